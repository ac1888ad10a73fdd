//! What is sent: the commands of the bot beside what it would send without the module.

use crate::load::CONNECTIONS;
use crate::server::Server;
use crate::wire::encode;

/// Keys of each connection. 512 in all: a document is not in the processor's first cache each time.
const KEYS_EACH: usize = 64;

/// Long enough that nothing expires while it is measured.
const TTL_MS: &str = "3600000";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Get,
    StateGet,
    /// Of a state with a secret in it: who asks must be asked of the ACL.
    StateGetSecret,
    Set,
    StateUpdate,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Get => "GET",
            Kind::StateGet => "STATE.GET",
            Kind::StateGetSecret => "STATE.GET + token",
            Kind::Set => "SET PX",
            Kind::StateUpdate => "STATE.UPDATE",
        }
    }

    /// What a ratio compares it with.
    pub fn baseline(self) -> Option<Kind> {
        match self {
            Kind::Get | Kind::Set => None,
            Kind::StateGet | Kind::StateGetSecret => Some(Kind::Get),
            Kind::StateUpdate => Some(Kind::Set),
        }
    }

    /// Puts the keys there. `schema` is the text of vimbiso.channel, by which states are validated.
    pub fn prepare(self, server: &Server, schema: &str, family: &str) -> Result<(), String> {
        if self.baseline().is_some() {
            server.call(&[b"STATE.SCHEMA", b"SET", b"vimbiso.channel", schema.as_bytes()])?;
        }
        for index in 0..CONNECTIONS * KEYS_EACH {
            let (key, document) = (key(family, index), document(index));
            let (key, document) = (key.as_bytes(), document.as_bytes());
            match self {
                Kind::Get | Kind::Set => {
                    server.call(&[b"SET", key, document, b"PX", TTL_MS.as_bytes()])?;
                }
                Kind::StateGet | Kind::StateUpdate => start_offer(server, key, document)?,
                Kind::StateGetSecret => {
                    start_offer(server, key, document)?;
                    server.call(&[b"STATE.SETPROTECTED", key, b"*", TOKEN])?;
                }
            }
        }
        Ok(())
    }

    /// The requests of all connections, in the order they are sent. Each key occurs twice, with another change each
    /// time: the same change again would be a no-op, which is not what is measured.
    pub fn requests(self, family: &str) -> Vec<Vec<u8>> {
        let lanes = (0..CONNECTIONS).flat_map(|lane| {
            (0..2).flat_map(move |turn| (0..KEYS_EACH).map(move |place| (lane * KEYS_EACH + place, turn)))
        });
        lanes.map(|(index, turn)| self.request(key(family, index).as_bytes(), index, turn)).collect()
    }

    fn request(self, key: &[u8], index: usize, turn: usize) -> Vec<u8> {
        let mut request = Vec::new();
        match self {
            Kind::Get => encode(&[b"GET", key], &mut request),
            Kind::StateGet | Kind::StateGetSecret => encode(&[b"STATE.GET", key], &mut request),
            Kind::Set => {
                let document = document(index + turn);
                encode(&[b"SET", key, document.as_bytes(), b"PX", TTL_MS.as_bytes()], &mut request);
            }
            Kind::StateUpdate => {
                let change = CHANGES[turn].as_bytes();
                encode(&[b"STATE.UPDATE", key, b"*", change, b"PX", TTL_MS.as_bytes()], &mut request);
            }
        }
        request
    }
}

/// Creates a state and leads it, by the steps that its schema allows, to where an offer asks for a handle.
fn start_offer(server: &Server, key: &[u8], document: &[u8]) -> Result<(), String> {
    let expiry: [&[u8]; 2] = [b"PX", TTL_MS.as_bytes()];
    let create: [&[u8]; 7] =
        [b"STATE.SETPROTECTED", key, b"0", document, b"REPLACE", b"SCHEMA", b"vimbiso.channel"];
    server.call(&[&create[..], &expiry].concat())?;
    for (path, component) in [
        ("login", "LoginApiCall"),
        ("account", "AccountDashboard"),
        ("offer", "AmountInput"),
        ("offer", "HandleInput"),
    ] {
        let step = format!(r#"{{"current":{{"path":"{path}","component":"{component}"}}}}"#);
        let update: [&[u8]; 4] = [b"STATE.UPDATE", key, b"*", step.as_bytes()];
        server.call(&[&update[..], &expiry].concat())?;
    }
    Ok(())
}

/// The keys of one measurement. The plain strings lie under names of the same length.
fn key(family: &str, index: usize) -> String {
    format!("channel:+26377{family}{index:04}")
}

/// What a message changes: the step of the conversation and what the person typed.
const CHANGES: [&str; 2] = [
    r#"{"current":{"path":"offer","component":"HandleInput","awaiting_input":true,"component_result":"amount","data":{"amount":99.25,"currency":"USD","handle":"tariro_moyo"}}}"#,
    r#"{"current":{"path":"offer","component":"HandleInput","awaiting_input":true,"component_result":null,"data":{"amount":125.5,"currency":"USD","handle":"ana_pereira"}}}"#,
];

/// What the API handler adds when a member logs in.
const TOKEN: &[u8] = br#"{"auth":{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZW0tMSJ9.c2lnbmF0dXJl"}}"#;

/// A session of a member, about 2 KB as JSON.
fn document(index: usize) -> String {
    let accounts: Vec<String> = (0..3).map(|account| account_json(index, account)).collect();
    format!(
        concat!(
            r#"{{"channel":{{"type":"whatsapp","identifier":"+26377{index:07}"}},"#,
            r#""dashboard":{{"member":{{"memberID":"mem-{index:08}","firstname":"Tariro","lastname":"Moyo","memberTier":2,"#,
            r#""defaultDenom":"USD","remainingAvailableUSD":812.50}},"accounts":[{accounts}]}},"#,
            r#""action":{{"id":"act-{index:08}","type":"offer_credex","timestamp":"2026-03-05T04:28:52.040Z","#,
            r#""details":{{"note":"School fees \"term 2\" 🙂"}}}},"#,
            r#""current":{{"path":"login","component":"Greeting","awaiting_input":true,"component_result":null,"data":{{}}}}}}"#
        ),
        index = index,
        accounts = accounts.join(",")
    )
}

fn account_json(index: usize, account: usize) -> String {
    let names = ["Zoë Müller Shop", "Amélie Dubois Farm", "李 小龍 Hardware"];
    format!(
        concat!(
            r#"{{"accountID":"acc-{index:06}-{account}","accountName":"{name}","accountHandle":"handle_{index:06}_{account}","#,
            r#""defaultDenom":"USD","isOwnedAccount":true,"sendOffersTo":{{"memberID":"mem-{index:08}","firstname":"Ana","lastname":"Pereira"}},"#,
            r#""balanceData":{{"securedNetBalancesByDenom":["166.37 USD","9.10 XAU"],"netCredexAssetsInDefaultDenom":"304.91 USD","#,
            r#""unsecuredBalancesInDefaultDenom":{{"totalPayables":"70.00 USD","totalReceivables":"284.00 USD","netPayRec":"214.00 USD"}}}},"#,
            r#""pendingInData":3,"pendingOutData":4}}"#
        ),
        index = index,
        account = account,
        name = names[account % names.len()]
    )
}

/// The size of the document that is read and written, in bytes.
pub fn document_bytes() -> usize {
    document(0).len()
}
