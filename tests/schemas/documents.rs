//! Whole documents, one for each shape that the bot has had.

/// A schema, and a valid document in the text that is stored.
pub const WHOLE: &[(&str, &str)] = &[
    (
        "vimbiso.channel",
        concat!(
            r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"dashboard":{"member":{"memberID":"mem_49d439536b32","#,
            r#""firstname":"Tariro","memberTier":2},"accounts":[{"accountID":"acc_7d1f","balance":1.10}]},"#,
            r#""action":{"type":"offer_credex","details":{"note":"School fees \"term 2\" 🙂"}},"auth":{"token":"eyJhbGciOi"},"#,
            r#""current":{"path":"login","component":"Greeting","awaiting_input":true,"component_result":null,"data":{"amount":12345678901234567890.10}},"#,
            r#""active_account_id":null,"validation":{"attempts":{"confirm":2},"history":[{"operation":"confirm","component":"ConfirmOffer","#,
            r#""timestamp":"2025-03-04T03:21:39.431Z","success":false,"error":null}]},"#,
            r#""_metadata":{"initialized_at":"2025-03-04T03:21:39.431Z","updated_at":"2025-03-05T04:28:52.040Z"}}"#
        ),
    ),
    (
        "vimbiso.conversation",
        concat!(
            r#"{"stage":"handle_action_menu","option":"handle_action_offer_credex","direction":"IN","#,
            r#""profile":{"member":{"memberID":"mem_49d439536b32","firstname":"Zoë","lastname":"Müller","memberTier":1},"#,
            r#""accounts":[{"accountID":"acc_7d1f","accountName":"李 小龍 Hardware","balanceData":null}]},"#,
            r#""current_account":{"accountID":"acc_7d1f"},"form":{"amount":0.01,"currency":"USD","handle":"zoe_mueller","complete":false},"#,
            r#""offer":{"id":"offer_91c2"},"token":"eyJhbGciOi","#,
            r#""_metadata":{"initialized_at":"2025-03-04T03:21:39.431Z","updated_at":"2025-03-05T04:28:52.040Z"}}"#
        ),
    ),
    (
        "vimbiso.cached-user",
        concat!(
            r#"{"stage":"handle_action_menu","option":"handle_action_notifications","direction":"OUT","#,
            r#""state":{"profile":{"member":{"memberID":"mem_49d439536b32","firstname":"Tariro","lastname":"Moyo","memberTier":2}},"#,
            r#""current_account":{"accountID":"acc_7d1f","accountName":"Tariro Moyo","balanceData":{}},"page_number":3},"first_name":"Welcome","#,
            r#""last_name":"Visitor","mobile_number":"+263771234567","registration_complete":false,"jwt_token":"eyJhbGciOi"}"#
        ),
    ),
    (
        "vimbiso.flow",
        concat!(
            r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"flow_data":{"context":"upgrade","component":"ConfirmUpgrade","#,
            r#""data":{"confirmed":true},"action":{"type":"upgrade"},"auth":{"token":"eyJhbGciOi"},"#,
            r#""validation":{"in_progress":true,"attempts":2,"last_attempt":{"value":"yes"}}},"dashboard":{"member":{"memberID":"mem_49d439536b32"}},"#,
            r#""active_account_id":"acc_7d1f","_metadata":{"initialized_at":"2025-03-04T03:21:39.431Z"},"#,
            r#""_validation":{"in_progress":false,"attempts":{"confirm":1},"last_attempt":"2025-03-04T03:21:39.431Z","error":null}}"#
        ),
    ),
    (
        "vimbiso.cached-user",
        r#"{"stage":"handle_action_menu","option":null,"state":{"profile":{"member":{"memberTier":null}},"page_number":0}}"#,
    ),
    (
        "vimbiso.cached-user",
        concat!(
            r#"{"stage":"handle_action_menu","option":"handle_action_notifications","#,
            r#""state":{"profile":{"member":{"memberTier":{"low":2,"high":0}}}},"jwt_token":null}"#
        ),
    ),
    (
        "vimbiso.flow",
        r#"{"channel":{"type":"whatsapp","identifier":"1"},"_validation":{"attempts":3,"last_attempt":null,"error":"late"}}"#,
    ),
];
