//! Replies of the API about a member, of the size and kind that the bot stores.

/// The member of every dashboard here.
pub fn member() -> &'static str {
    r#"{"memberID":"mem_49d439536b32","firstname":"Tariro","lastname":"Moyo","memberTier":2,"remainingAvailableUSD":812.50}"#
}

/// A dashboard with this many accounts, each of about 540 bytes.
pub fn dashboard(accounts: usize) -> String {
    let accounts: Vec<String> = (0..accounts).map(account).collect();
    format!(r#"{{"member":{},"accounts":[{}]}}"#, member(), accounts.join(","))
}

fn account(number: usize) -> String {
    let names = ["Zoë Müller Shop", "Amélie Dubois Farm", "李 小龍 Hardware", "Tariro \"TM\" Moyo"];
    let name = names[number % names.len()].replace('"', "\\\"");
    format!(
        concat!(
            r#"{{"accountID":"acc_{number:08}","accountName":"{name}","accountHandle":"handle_{number:04}","#,
            r#""defaultDenom":"USD","isOwnedAccount":{owned},"sendOffersTo":{{"memberID":"mem_{number:08}","#,
            r#""firstname":"Ana","lastname":"Pereira"}},"balanceData":{{"securedNetBalancesByDenom":["#,
            r#""{number}.37 USD","9.10 XAU"],"netCredexAssetsInDefaultDenom":"304.91 USD","#,
            r#""unsecuredBalancesInDefaultDenom":{{"totalPayables":"70.00 USD","totalReceivables":"284.00 USD","#,
            r#""netPayRec":"214.00 USD"}}}},"pendingInData":3,"pendingOutData":{pending}}}"#
        ),
        number = number,
        name = name,
        owned = number.is_multiple_of(2),
        pending = number % 5,
    )
}
