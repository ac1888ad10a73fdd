use support::state_test;

#[test]
fn server_with_the_module_answers() {
    state_test(|_, client| assert_eq!(client.text(&["PING"]), "PONG"));
}
