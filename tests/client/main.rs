//! The client crate against a real server: what it does to a connection, to a conflict and to a lost answer.

mod cached_user;
mod import;
mod import_again;
mod import_documents;
mod keys;
mod menu;
mod retries;

/// All texts of a reply, also of those within it: its own `Display` shows bytes there.
fn texts(reply: &support::Reply) -> String {
    use support::Reply;
    match reply {
        Reply::Array(items) => items.iter().map(|item| texts(item) + "\n").collect(),
        Reply::Map(pairs) => {
            pairs.iter().map(|(name, value)| texts(name) + "\n" + &texts(value) + "\n").collect()
        }
        other => other.to_string(),
    }
}
