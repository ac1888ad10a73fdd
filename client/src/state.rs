//! A document as the caller's own type, with its etag.

use redis_state_types::Etag;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// A typed document, with the etag to name when it is changed. `T` is any type that serde
/// deserializes: a struct of the needed members, or `serde_json::Value`.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, State, Update, connect};
/// use serde_json::json;
///
/// #[derive(serde::Deserialize)]
/// struct Offer { amount: f64 }
///
/// let mut states = connect(url).await?;
/// states.send(&Update::create("offer:7d1f", Change::merge(&json!({"amount": 12.50}))?)).await?;
///
/// let offer: State<Offer> = states.get("offer:7d1f").await?.expect("it was just made");
/// assert_eq!((offer.etag.version, offer.document.amount), (1, 12.5));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct State<T = serde_json::Value> {
    /// The etag of the version that was read.
    pub etag: Etag,
    /// The document.
    pub document: T,
}

/// Decodes the JSON text of a document as the caller's type.
pub(crate) fn document<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::json("the document does not have the shape of the type", error))
}
