//! All sources of a database, by SCAN in batches.
//!
//! No position is stored between runs: a SCAN from the start finds what an interrupted run has
//! left, and passes over what is imported. Not with a pattern, because a string that an interrupted
//! run has renamed must be found too; and all keys together are the total of the progress.

use std::collections::HashSet;

use redis_state_client::{Driver, Error, ErrorKind, Result, States};

use super::find::Kind;
use super::plain::on_server;
use super::report::Progress;
use crate::keys::{self, CachedUserKeys};

/// The keys of one SCAN, about.
const BATCH: &str = "500";

/// A SCAN on its way. It remembers each source, about 100 bytes, since a user has up to five keys
/// and SCAN may return a key twice.
pub(super) struct Scan {
    /// `None` at the end.
    cursor: Option<String>,
    seen: HashSet<String>,
    pub(super) progress: Progress,
}

/// Which keys are sources.
pub(super) struct Wanted<'a> {
    pub(super) kind: Kind<'a>,
    /// The prefix and version of django-redis, if any.
    pub(super) prefix: &'a str,
    /// How the key of a document begins.
    pub(super) begins: &'a str,
}

impl Scan {
    pub(super) async fn begin<D: Driver>(states: &mut States<D>) -> Result<Scan> {
        let info: String = on_server(states, "INFO", &["cluster"]).await?;
        if info.contains("cluster_enabled:1") {
            let text = "SCAN sees the keys of one node of a cluster only: name the sources instead";
            return Err(Error::new(ErrorKind::Usage, text));
        }
        let keys = on_server(states, "DBSIZE", &[]).await?;
        let progress = Progress { scanned: 0, keys };
        Ok(Scan { cursor: Some("0".to_owned()), seen: HashSet::new(), progress })
    }

    /// The new sources of the next batch; `None` after the last one.
    pub(super) async fn next<D: Driver>(
        &mut self,
        states: &mut States<D>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Vec<String>>> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let (next, keys): (String, Vec<Vec<u8>>) =
            on_server(states, "SCAN", &[&cursor, "COUNT", BATCH]).await?;
        self.cursor = (next != "0").then_some(next);
        self.progress.scanned += u64::try_from(keys.len()).unwrap_or(0);
        self.progress.keys = self.progress.keys.max(self.progress.scanned);
        let keys = keys.iter().filter_map(|key| std::str::from_utf8(key).ok());
        let sources = keys.filter_map(|key| wanted.source(key)).map(str::to_owned);
        Ok(Some(sources.filter(|source| self.seen.insert(source.clone())).collect()))
    }
}

impl Wanted<'_> {
    /// The source to which a key belongs, without its prefix.
    fn source<'k>(&self, key: &'k str) -> Option<&'k str> {
        let key = keys::renamed_from(key).unwrap_or(key).strip_prefix(self.prefix)?;
        match self.kind {
            Kind::CachedUser => CachedUserKeys::mobile_number(key),
            Kind::Document(_) => (key.starts_with(self.begins) && !key.ends_with(":audit")).then_some(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources<'k>(kind: Kind<'_>, prefix: &str, begins: &str, keys: &[&'k str]) -> Vec<&'k str> {
        let wanted = Wanted { kind, prefix, begins };
        keys.iter().filter_map(|key| wanted.source(key)).collect()
    }

    #[test]
    fn keys_lead_to_their_sources() {
        let keys = [
            "+263771234567",
            "+263771234567_jwt_token",
            "{+263771234567}:imported",
            "{+263771234567}:audit",
            "vimbiso:1:+263772222222_stage",
            "vimbiso:2:+263773333333",
            "channel:+263771234567",
            "{channel:+263774444444}:imported",
            "user:{+263771234567}:state:audit",
            "channel:x:audit",
        ];
        assert_eq!(sources(Kind::CachedUser, "", "", &keys), ["+263771234567"; 3]);
        assert_eq!(sources(Kind::CachedUser, "vimbiso:1:", "", &keys), ["+263772222222"]);
        let channels = ["channel:+263771234567", "channel:+263774444444"];
        assert_eq!(sources(Kind::Document("vimbiso.channel"), "", "channel:", &keys), channels);
        assert!(sources(Kind::Document("vimbiso.channel"), "", "user:", &keys).is_empty());
    }
}
