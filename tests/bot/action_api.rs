//! The bot over an API whose replies have an action and a dashboard: every flow works as over the
//! bot's own interface.

use redis_state_bot::ledger::{
    ActionApi, ActionLedger, ApiCall, Dashboard, Entry, Ledger, LedgerError, MemoryLedger, Offer, Session,
};
use redis_state_vimbiso::channel::Token;
use serde_json::{Value, json};
use support::{Server, block_on};

use crate::flows;
use crate::world::{Person, document};

/// The ledger in memory, with replies in the API's shape.
#[derive(Clone)]
struct FakeApi {
    ledger: MemoryLedger,
}

impl FakeApi {
    async fn answer(&self, call: ApiCall<'_>, token: Option<&Token>) -> Result<Value, LedgerError> {
        let token = token.ok_or(LedgerError::TokenRefused);
        Ok(match call {
            ApiCall::Login { channel_id } => match self.ledger.login(channel_id).await? {
                Some(session) => with_session("MEMBER_LOGIN", &session),
                None => error("ERROR_NOT_FOUND", "not a member"),
            },
            ApiCall::Onboard { channel_id, firstname, lastname, key } => {
                let session = self.ledger.onboard(channel_id, firstname, lastname, key).await?;
                with_session("MEMBER_ONBOARDED", &session)
            }
            ApiCall::Dashboard => {
                let board = board(&self.ledger.dashboard(token?).await?);
                reply(json!({"type": "DASHBOARD", "details": {}}), board)
            }
            ApiCall::Account { handle } => match self.ledger.find(token?, handle).await? {
                Some(found) => {
                    let details = json!({"accountHandle": found.handle, "accountName": found.name});
                    reply(json!({"type": "ACCOUNT_FOUND", "details": details}), Value::Null)
                }
                None => error("ERROR_NOT_FOUND", "no such account"),
            },
            ApiCall::Change { change, key } => {
                let board = board(&self.ledger.change(token?, change, key).await?);
                reply(json!({"type": "CHANGED", "details": {}}), board)
            }
        })
    }
}

impl ActionApi for FakeApi {
    async fn call(&self, call: ApiCall<'_>, token: Option<&Token>) -> Result<Value, LedgerError> {
        match self.answer(call, token).await {
            Err(LedgerError::Rejected(reason)) => Ok(error("ERROR_REJECTED", &reason)),
            done => done,
        }
    }

    async fn transactions(&self, token: &Token, account: &str) -> Result<Vec<Entry>, LedgerError> {
        self.ledger.transactions(token, account).await
    }
}

fn reply(action: Value, dashboard: Value) -> Value {
    json!({"data": {"action": action, "dashboard": dashboard}})
}

fn error(kind: &str, reason: &str) -> Value {
    reply(json!({"type": kind, "details": {"reason": reason}}), Value::Null)
}

fn with_session(kind: &str, session: &Session) -> Value {
    let action = json!({"type": kind, "details": {"token": session.token}});
    reply(action, board(&session.dashboard))
}

/// Each account lists all offers.
fn board(dashboard: &Dashboard) -> Value {
    let pending = |offers: &[Offer]| -> Value {
        let one = |offer: &Offer| {
            json!({
                "credexID": offer.id, "formattedInitialAmount": offer.amount,
                "counterpartyAccountName": offer.handle, "secured": true,
            })
        };
        offers.iter().map(one).collect()
    };
    let accounts: Value = dashboard
        .accounts
        .iter()
        .map(|account| {
            let balances: Vec<&str> = account.balance.split(", ").collect();
            json!({
                "accountID": account.id, "accountName": account.name, "accountType": "PERSONAL",
                "balanceData": {"securedNetBalancesByDenom": balances},
                "pendingInData": pending(&dashboard.pending_in),
                "pendingOutData": pending(&dashboard.pending_out),
            })
        })
        .collect();
    let member = &dashboard.member;
    json!({
        "member": {
            "memberID": member.id, "memberTier": member.tier, "firstname": member.firstname,
            "lastname": member.lastname, "defaultDenom": dashboard.denominations.first(),
        },
        "accounts": accounts,
    })
}

/// S55: the flows of a terminal and of WhatsApp, over this API.
#[test]
fn every_flow_works_over_an_action_api() {
    let server = Server::start();
    block_on(async {
        for flow in flows::all() {
            let ledger = ActionLedger::new(FakeApi { ledger: MemoryLedger::new() });
            let mut person = Person::with(&server, ledger).await;
            server.client().ok(&["FLUSHALL"]);
            for (text, words) in flow {
                let answer = person.says(&[text]).await;
                for word in words {
                    assert!(answer.contains(word), "{text:?} was answered {answer:?}, without {word:?}");
                }
            }
        }
    });
}

/// S51: the token in the details of an action is stored with the secrets only.
#[test]
fn token_of_an_action_is_stored_as_a_secret_only() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let ledger = ActionLedger::new(FakeApi { ledger: MemoryLedger::new() });
        Person::with(&server, ledger).await.joins().await;
        let mut document = document(&mut client);
        let token = document["auth"]["token"].take();
        let token = token.as_str().filter(|token| !token.is_empty()).expect("a token");
        assert!(!document.to_string().contains(token), "{document}");
    });
}
