//! Invalid documents, with the pointers of their violations.

/// A schema, a document, and a pointer for each violation, so `/ /` means two at the root.
pub const TABLE: &[(&str, &str, &str)] = &[
    ("vimbiso.channel", r#"{"value":{"current":{"path":"login"}}}"#, "(root) (root) (root)"),
    ("vimbiso.conversation", r#"{"value":{"stage":"handle_action_menu"}}"#, "(root) (root)"),
    ("vimbiso.cached-user", r#"{"value":{"stage":"handle_action_menu"}}"#, "(root) (root)"),
    ("vimbiso.flow", r#"{"value":{"flow_data":{}}}"#, "(root) (root)"),
    ("vimbiso.channel", "{}", "(root) (root)"),
    ("vimbiso.channel", r#"{"channel":null,"current":{"path":"login","component":"Greeting"}}"#, "/channel"),
    (
        "vimbiso.channel",
        r#"{"channel":{"type":"","identifier":7},"current":{"path":1,"component":""}}"#,
        "/channel/type /channel/identifier /current/path /current/component",
    ),
    ("vimbiso.channel", r#"{"channel":{"type":"sms"},"current":{"path":"login"}}"#, "/channel /current"),
    (
        "vimbiso.channel",
        r#"{"channel":{"type":"sms","identifier":"1","name":"x"},"current":[]}"#,
        "/channel /current",
    ),
    (
        "vimbiso.channel",
        r#"{"channel":{"type":"sms","identifier":"1"},"current":{"path":"login","component":"Greeting","awaiting_input":1,"component_result":2,"data":"x","step":1},"dashboard":[],"action":"x","auth":{"jwt":"x"},"active_account_id":7}"#,
        "/current/awaiting_input /current/component_result /current/data /current /dashboard /action /auth /active_account_id",
    ),
    (
        "vimbiso.channel",
        r#"{"channel":{"type":"sms","identifier":"1"},"current":{"path":"login","component":"Greeting"},"validation":{"attempts":[],"history":[{"operation":1,"success":"no","when":"x"}],"last":1},"_metadata":{"created":"x"}}"#,
        "/validation/attempts /validation/history/0/operation /validation/history/0/success /validation/history/0 /validation/history/0 /validation /_metadata",
    ),
    (
        "vimbiso.conversation",
        r#"{"option":7,"direction":"UP","profile":{"members":[]},"token":""}"#,
        "(root) /option /option /direction /profile /token",
    ),
    (
        "vimbiso.conversation",
        r#"{"stage":"handle_action_menu","form":{"amount":0,"currency":"usd","handle":"Zoë","firstname":"","complete":"no"}}"#,
        "/form/amount /form/currency /form/handle /form/firstname /form/complete",
    ),
    (
        "vimbiso.conversation",
        r#"{"stage":"handle_action_menu","profile":{"member":{"memberTier":0},"accounts":{}},"current_account":[]}"#,
        "/profile/member/memberTier /profile/accounts /current_account",
    ),
    (
        "vimbiso.cached-user",
        r#"{"stage":"handle_action_menu","state":{"page_number":-1,"profile":[]},"jwt_token":{},"registration_complete":0}"#,
        "/state/page_number /state/profile /jwt_token /registration_complete",
    ),
    ("vimbiso.cached-user", r#"{"stage":null,"session":1}"#, "(root) /stage"),
    (
        "vimbiso.cached-user",
        r#"{"stage":"handle_action_menu","state":{"profile":{"member":{"memberTier":{"low":0,"high":1,"unit":"tier"}}}},"jwt_token":""}"#,
        "/state/profile/member/memberTier /state/profile/member/memberTier/low /state/profile/member/memberTier/high /jwt_token",
    ),
    (
        "vimbiso.cached-user",
        r#"{"stage":"handle_action_menu","state":{"profile":{"member":{"memberTier":{"low":2}}}}}"#,
        "/state/profile/member/memberTier",
    ),
    ("vimbiso.cached-user", r#"{"stage":"handle_action_menu","state":{"page":1}}"#, "/state"),
    (
        "vimbiso.conversation",
        r#"{"stage":"handle_action_notifications","option":"handle_action_authorize_member","profile":{"member":{"memberTier":1}}}"#,
        "/stage /option",
    ),
    (
        "vimbiso.cached-user",
        r#"{"stage":"handle_action_menu","option":"handle_action_pay","state":{"profile":{"member":{"memberTier":2}}}}"#,
        "/option",
    ),
    (
        "vimbiso.flow",
        r#"{"channel":{"type":"sms","identifier":"1"},"flow_data":{"validation":{"attempts":-1}},"active_account_id":7,"_validation":{"attempts":[]}}"#,
        "/flow_data/validation/attempts /active_account_id /_validation/attempts",
    ),
    (
        "vimbiso.flow",
        r#"{"flow_data":{"context":1,"auth":{"token":1},"validation":{"attempts":"x","last_attempt":1,"history":[]},"step":1}}"#,
        "(root) /flow_data /flow_data/context /flow_data/auth/token /flow_data/validation /flow_data/validation/attempts /flow_data/validation/last_attempt",
    ),
    (
        "vimbiso.flow",
        r#"{"channel":{"type":"sms","identifier":"1"},"dashboard":{"member":{"memberID":7}},"_validation":{"error":1,"in_progress":"x"}}"#,
        "/dashboard/member/memberID /_validation/error /_validation/in_progress",
    ),
];

/// The handlers of the basic menu.
pub const HANDLERS_OF_TIER_1: &[&str] = &[
    "handle_action_offer_credex",
    "handle_action_pending_offers_in",
    "handle_action_pending_offers_out",
    "handle_action_transactions",
    "handle_action_switch_account",
    "handle_action_menu",
    "handle_action_register",
];
/// The handlers of the advanced menu.
pub const HANDLERS_OF_TIER_2: &[&str] = &[
    "handle_action_offer_credex",
    "handle_action_pending_offers_in",
    "handle_action_pending_offers_out",
    "handle_action_transactions",
    "handle_action_authorize_member",
    "handle_action_notifications",
    "handle_action_switch_account",
    "handle_action_menu",
    "handle_action_register",
];
