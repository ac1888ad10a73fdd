//! Finds the data of one user of an old bot, and plans the import.

use redis_state_client::{Driver, Error, ErrorKind, Result, States};
use serde_json::Value;

use super::fold::{self, Five};
use super::route;
use super::source::{Source, read};
use super::write::Plan;
use crate::cached_user::CACHED_USER_SCHEMA;
use crate::keys::{self, CachedUserKeys};

/// The kind of source, and how it becomes a document.
#[derive(Clone, Copy)]
pub(super) enum Kind<'k> {
    /// Five keys of a mobile number.
    CachedUser,
    /// A string with a document of this schema.
    Document(&'k str),
}

/// The sources found for one user.
pub(super) struct Found {
    /// The source whose key the state may take: of the five keys, the bare number.
    pub(super) main: Option<Source>,
    /// The other four, in the order of [`CachedUserKeys`].
    pub(super) others: [Option<Source>; 4],
    /// The main source is at the state's key.
    pub(super) in_the_way: bool,
    /// The key to which the main source is renamed, if its key is the state's.
    pub(super) aside: Option<String>,
}

/// Reads the sources of the main key. `taken` means that a value of another type is at the state's
/// key. The key is read before the renamed one, so that a string that another run renames is not
/// missed at both.
pub(super) async fn find<D: Driver>(
    states: &mut States<D>,
    kind: Kind<'_>,
    main: &str,
    target: &str,
    taken: bool,
) -> Result<Found> {
    let mut found = Found { main: None, others: [const { None }; 4], in_the_way: false, aside: None };
    if main == target {
        let aside = keys::imported(target).ok_or_else(|| {
            Error::new(ErrorKind::BadKey, "BADKEY a state at this key can't have an audit stream")
        })?;
        let mut there = if taken { read(states, target).await? } else { None };
        found.main = read(states, &aside).await?;
        if there.is_some() && found.main.is_some() {
            // Another run may have renamed it just now; then it is at one key only.
            there = read(states, target).await?;
        }
        if there.is_some() && found.main.is_some() {
            let text = format!("WRONGTYPE {target} and {aside} both hold a string: remove the older one");
            return Err(Error::new(ErrorKind::WrongType, text));
        }
        found.in_the_way = there.is_some();
        found.main = there.or(found.main);
        found.aside = Some(aside);
    } else if taken {
        return Err(Error::new(ErrorKind::WrongType, format!("WRONGTYPE {target} holds no state")));
    } else {
        found.main = read(states, main).await?;
    }
    if let Kind::CachedUser = kind {
        let CachedUserKeys { stage, option, direction, jwt_token, .. } = CachedUserKeys::new(main);
        for (key, other) in [stage, option, direction, jwt_token].iter().zip(&mut found.others) {
            *other = read(states, key).await?;
        }
    }
    Ok(found)
}

impl Found {
    pub(super) fn all(&self) -> impl Iterator<Item = &Source> {
        self.main.iter().chain(self.others.iter().flatten())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}

impl Kind<'_> {
    pub(super) fn schema(&self) -> &str {
        match self {
            Kind::CachedUser => CACHED_USER_SCHEMA,
            Kind::Document(schema) => schema,
        }
    }

    /// The state of the sources; `source` is the mobile number, or the key without a prefix.
    pub(super) fn plan(&self, found: &Found, schema: &Value, source: &str, target: &str) -> Result<Plan> {
        let text_of = |source: &'_ Option<Source>| source.as_ref().map(|source| source.text.clone());
        let (document, text) = match self {
            Kind::CachedUser => {
                let [stage, option, direction, jwt_token] = &found.others;
                let texts = [&found.main, stage, option, direction, jwt_token].map(text_of);
                let [state, stage, option, direction, jwt_token] = texts.each_ref().map(Option::as_deref);
                let document =
                    Value::Object(Five { state, stage, option, direction, jwt_token }.fold(source)?);
                let text = document.to_string();
                (document, text)
            }
            Kind::Document(_) => fold::document(text_of(&found.main).unwrap_or_default())?,
        };
        if !document.is_object() {
            return Err(fold::no_object());
        }
        Ok(Plan {
            target: target.to_owned(),
            schema: self.schema().to_owned(),
            stops: route::route(schema, &document),
            text,
            expires_at_ms: found.all().filter_map(|source| source.expires_at_ms).max(),
        })
    }
}
