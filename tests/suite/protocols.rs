//! RESP2 and RESP3 return the same replies, with maps as maps in RESP3.

use support::{Reply, state_test};

use crate::baseline::KEY;
use crate::create::first_contact;

#[test]
fn maps_are_maps_in_resp3_and_flat_arrays_in_resp2() {
    state_test(|_, client| {
        first_contact(client);
        let commands: [&[&str]; 3] =
            [&["STATE.META", KEY], &["STATE.HISTORY", KEY], &["STATE.SCHEMA", "LIST"]];
        let resp2 = commands.map(|command| client.ok(command));
        client.ok(&["HELLO", "3"]);
        let resp3 = commands.map(|command| client.ok(command));
        client.ok(&["HELLO", "2"]);
        assert!(matches!(resp2[0], Reply::Array(_)));
        assert!(matches!(resp3[0], Reply::Map(_)));
        assert!(matches!(resp3[0].field("deadlines"), Reply::Map(deadlines) if deadlines.is_empty()));
        assert!(matches!(resp3[1].array()[0], Reply::Map(_)));
        assert!(matches!(resp3[2].array()[0], Reply::Map(_)));
        for name in resp2[0]
            .field_names()
            .iter()
            .filter(|name| !["ttl", "deadlines", "attempts"].contains(&name.as_str()))
        {
            assert_eq!(resp2[0].field(name), resp3[0].field(name), "{name}");
        }
        assert_eq!(resp2[1].array()[0].field_names(), resp3[1].array()[0].field_names());
    });
}

#[test]
fn missing_values_are_nil_in_both() {
    state_test(|_, client| {
        assert_eq!(client.ok(&["STATE.GET", KEY]), Reply::Nil);
        client.ok(&["HELLO", "3"]);
        assert_eq!(client.ok(&["STATE.GET", KEY]), Reply::Nil);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
        assert!(client.ok(&["STATE.GET", KEY, "/auth"]).array()[1].is_nil());
        assert!(client.ok(&["STATE.META", KEY]).field("schema").is_nil());
        client.ok(&["HELLO", "2"]);
    });
}
