//! The steps of one import, and the loops over many.

use redis_state_client::{Driver, ErrorKind, Meta, Result};

use super::applicable::Applicable;
use super::ended::has_ended;
use super::find::{self, Kind};
use super::report::{Event, Import, Outcome, Summary, is_about_the_source};
use super::scan::{Scan, Wanted};
use super::write::{self, Written};
use super::{Importer, source};
use crate::keys;

impl<D: Driver> Importer<'_, D> {
    pub(super) async fn one(mut self, kind: Kind<'_>, source: &str) -> Result<Import> {
        let applicable = Applicable::read(self.states, kind.schema()).await?;
        self.import(kind, &applicable, source).await
    }

    pub(super) async fn many<S: AsRef<str> + Send>(
        mut self,
        kind: Kind<'_>,
        sources: impl IntoIterator<Item = S, IntoIter: Send>,
        mut report: impl FnMut(&Import),
    ) -> Result<Summary> {
        let applicable = Applicable::read(self.states, kind.schema()).await?;
        let mut summary = Summary::default();
        for source in sources {
            let import = self.import(kind, &applicable, source.as_ref()).await?;
            report(&import);
            summary.add(import);
        }
        Ok(summary)
    }

    /// Imports what SCAN finds; for documents, the keys that begin so.
    pub(super) async fn all(
        mut self,
        kind: Kind<'_>,
        begins: &str,
        mut report: impl FnMut(Event<'_>),
    ) -> Result<Summary> {
        let applicable = Applicable::read(self.states, kind.schema()).await?;
        let prefix = self.prefix.clone();
        let wanted = Wanted { kind, prefix: &prefix, begins };
        let mut scan = Scan::begin(self.states).await?;
        let mut summary = Summary::default();
        while let Some(sources) = scan.next(self.states, &wanted).await? {
            for source in sources {
                let import = self.import(kind, &applicable, &source).await?;
                report(Event::Source(&import));
                summary.add(import);
            }
            report(Event::Scanned(scan.progress));
        }
        Ok(summary)
    }

    async fn import(&mut self, kind: Kind<'_>, applicable: &Applicable, source: &str) -> Result<Import> {
        let main = format!("{}{source}", self.prefix);
        let target = (self.key_of)(source);
        let outcome = match self.outcome(kind, applicable, source, &main, &target).await {
            Err(error) if is_about_the_source(&error) => {
                self.put_back(&main, &target).await?;
                Outcome::Rejected(error)
            }
            outcome => outcome?,
        };
        Ok(Import { source: source.to_owned(), target, outcome })
    }

    async fn outcome(
        &mut self,
        kind: Kind<'_>,
        applicable: &Applicable,
        source: &str,
        main: &str,
        target: &str,
    ) -> Result<Outcome> {
        let (before, taken) = match D::resolve(self.states.send(&Meta::new(target))).await {
            Ok(meta) => (meta.map(|meta| meta.etag), false),
            Err(error) if error.kind() == ErrorKind::WrongType => (None, true),
            Err(error) => return Err(error),
        };
        let mut found = find::find(self.states, kind, main, target, taken).await?;
        if found.is_empty() {
            return Ok(before.map_or(Outcome::NothingFound, Outcome::AlreadyThere));
        }
        if before.is_none() && !self.again && has_ended(self.states, target).await? {
            return Ok(Outcome::Ended);
        }
        let mut plan = kind.plan(&found, &applicable.schema, source, target)?;
        applicable.admit(target)?;
        if before.is_none() {
            let free = if found.in_the_way { found.aside.as_deref() } else { None };
            write::check(self.states, &plan, free.unwrap_or(target)).await?;
            if self.dry_run {
                return Ok(Outcome::WouldCreate);
            }
        }
        if found.in_the_way {
            // The old bot does not write to this key: this is its last value.
            let aside = found.aside.as_deref().unwrap_or_default();
            source::rename(self.states, target, aside).await?;
            found.main = source::read(self.states, aside).await?;
            if found.is_empty() {
                return Ok(Outcome::NothingFound);
            }
            plan = kind.plan(&found, &applicable.schema, source, target)?;
        }
        match write::write(self.states, &plan, self.dry_run).await {
            Ok(Written::Ours(etag)) => {
                if self.delete_sources && !self.dry_run {
                    let keys: Vec<&str> = found.all().map(|source| source.key.as_str()).collect();
                    source::remove(self.states, &keys).await?;
                }
                Ok(match before {
                    Some(before) if before.version >= etag.version => Outcome::AlreadyThere(before),
                    _ if self.dry_run => Outcome::WouldCreate,
                    _ => Outcome::Created(etag),
                })
            }
            Ok(Written::Theirs(error)) => {
                let there = D::resolve(self.states.send(&Meta::new(target))).await?;
                there.map_or(Err(error), |meta| Ok(Outcome::AlreadyThere(meta.etag)))
            }
            Err(error) => Err(error),
        }
    }

    /// Renames a string back that this run or an earlier one has renamed.
    async fn put_back(&mut self, main: &str, target: &str) -> Result<()> {
        match keys::imported(target) {
            Some(aside) if main == target && !self.dry_run => {
                source::rename(self.states, &aside, target).await
            }
            _ => Ok(()),
        }
    }
}
