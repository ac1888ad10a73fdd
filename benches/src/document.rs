//! The bot's data: sessions of any size, and the changes of a message.
//!
//! A document grows by the accounts that the API sends, and a note fills it up to the exact size.
//! Not random JSON, because its shape decides the cost of validation, and no bot stores it.

/// About the smallest session with every member that the schema checks.
pub const BYTES_MIN: usize = 512;

/// The document of a user.
pub fn document(index: usize, bytes: usize) -> String {
    let mut accounts = Vec::new();
    let mut room = bytes.saturating_sub(whole(index, "", "").len());
    while let Some(left) = room.checked_sub(account(index, accounts.len()).len() + 1) {
        accounts.push(account(index, accounts.len()));
        room = left;
    }
    let accounts = accounts.join(",");
    let note = "School fees for term 2, paid to the bursar. ".repeat(20);
    let missing = bytes.saturating_sub(whole(index, &accounts, "").len());
    whole(index, &accounts, &note[..missing.min(note.len())])
}

fn whole(index: usize, accounts: &str, note: &str) -> String {
    format!(
        concat!(
            r#"{{"channel":{{"type":"whatsapp","identifier":"+26377{index:07}"}},"#,
            r#""dashboard":{{"member":{{"memberID":"mem-{index:08}","firstname":"Tariro","lastname":"Moyo","memberTier":2,"#,
            r#""defaultDenom":"USD","remainingAvailableUSD":812.50}},"accounts":[{accounts}]}},"#,
            r#""action":{{"id":"act-{index:08}","type":"offer_credex","timestamp":"2026-03-05T04:28:52.040Z","details":{{"note":"{note}"}}}},"#,
            r#""current":{{"path":"login","component":"Greeting","awaiting_input":true,"component_result":null,"data":{{}}}}}}"#
        ),
        index = index,
        accounts = accounts,
        note = note,
    )
}

fn account(index: usize, account: usize) -> String {
    let names = ["Zoë Müller Shop", "Amélie Dubois Farm", "李 小龍 Hardware 🙂"];
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

/// The steps of a session from its first message to the handle of an offer.
pub const STEPS: [&str; 4] = [
    r#"{"current":{"path":"login","component":"LoginApiCall"}}"#,
    r#"{"current":{"path":"account","component":"AccountDashboard"}}"#,
    r#"{"current":{"path":"offer","component":"AmountInput"}}"#,
    r#"{"current":{"path":"offer","component":"HandleInput"}}"#,
];

/// The change of a message: the step of the conversation and the user's input. Another number makes
/// another change of the same length, for numbers below 9000.
pub fn change(number: usize) -> String {
    let amount = 1000 + number % 9000;
    format!(
        r#"{{"current":{{"path":"offer","component":"HandleInput","awaiting_input":true,"component_result":"amount","data":{{"amount":{amount}.25,"currency":"USD","handle":"tariro_moyo"}}}}}}"#
    )
}

/// The document as a bot without the module writes it back after that message.
pub fn changed(document: &str, number: usize) -> String {
    let (before, _) = document.split_once(r#""current":"#).unwrap_or((document, ""));
    format!("{before}{}", &change(number)[1..])
}

/// The API handler's change when a member logs in.
pub const TOKEN: &str = r#"{"auth":{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZW0tMSJ9.c2lnbmF0dXJl"}}"#;

#[cfg(test)]
mod tests {
    use super::{BYTES_MIN, changed, document};

    #[test]
    fn documents_have_the_requested_size_and_are_json() {
        for bytes in [BYTES_MIN, 2048, 8192, 65_536] {
            for text in [document(7, bytes), changed(&document(7, bytes), 3)] {
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            }
            assert_eq!(document(7, bytes).len(), bytes);
        }
    }
}
