//! What a user types, by tier: the bot's tables, and the schemas' agreement with them.

use redis_state_vimbiso::{Handler, menu, menu_option};
use serde_json::json;
use support::{Reply, Server};

/// S69: both menus of the design notes, each choice with its handler.
#[test]
fn choice_leads_to_the_handler_of_the_tier() {
    let common = [
        ("1", "handle_action_offer_credex"),
        ("2", "handle_action_pending_offers_in"),
        ("3", "handle_action_pending_offers_out"),
        ("4", "handle_action_transactions"),
    ];
    let first = [("5", "handle_action_switch_account")];
    let second = [
        ("5", "handle_action_authorize_member"),
        ("6", "handle_action_notifications"),
        ("7", "handle_action_switch_account"),
    ];
    for (tier, own) in
        [(None, &first[..]), (Some(1), &first), (Some(0), &first), (Some(2), &second), (Some(9), &second)]
    {
        let expected: Vec<(&str, &str)> = common.iter().chain(own).copied().collect();
        let shown: Vec<(&str, &str)> =
            menu(tier).iter().map(|(typed, handler)| (*typed, handler.as_str())).collect();
        assert_eq!(shown, expected, "tier {tier:?}");
        for (typed, handler) in expected {
            assert_eq!(
                menu_option(tier, typed).map(Handler::as_str),
                Some(handler),
                "tier {tier:?}: {typed}"
            );
            assert_eq!(Handler::of(handler).map(Handler::as_str), Some(handler));
        }
    }
    assert_eq!(menu_option(2, "\t5 \r\n"), Some(Handler::AuthorizeMember));
}

/// S69: an unknown choice is none.
#[test]
fn unknown_choice_is_none() {
    for typed in ["", " ", "0", "6", "7", "55", "5 5", "5.", "-5", "05", "٥", "five", "handle_action_menu"] {
        assert_eq!(menu_option(1, typed), None, "{typed:?}");
    }
    assert_eq!(menu_option(2, "8"), None);
}

/// S45, S69: the server accepts exactly the options of the menu, in both schemas that have one.
#[test]
fn schemas_have_the_same_menu() {
    let server = Server::start();
    let mut client = server.client();
    for tier in [1, 2] {
        let profile = json!({"member": {"memberTier": tier}});
        for handler in menu(2) {
            let handler = handler.1;
            let on_menu = menu(tier).iter().any(|(_, listed)| *listed == handler);
            let conversation =
                json!({"stage": handler.as_str(), "option": handler.as_str(), "profile": profile});
            let cached_user =
                json!({"stage": handler.as_str(), "option": handler.as_str(), "state": {"profile": profile}});
            for (schema, document) in
                [("vimbiso.conversation", conversation), ("vimbiso.cached-user", cached_user)]
            {
                let reply = client.call(&["STATE.VALIDATE", schema, &document.to_string()]);
                assert_eq!(
                    reply == Reply::Simple("OK".into()),
                    on_menu,
                    "{schema} tier {tier} {handler}: {reply}"
                );
            }
        }
    }
}
