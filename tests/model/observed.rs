//! What the replies have shown so far, and the comparison of a reply with the prediction.
//!
//! Digests: the first reply with a digest ties it to one version in one life of a key; from then on
//! that version has this digest, and no other one does. Times: the test's clock before and after a
//! command bounds the server's. The first reply with the server's time makes it exact, and all that
//! the command did must have the same millisecond.

use std::collections::HashMap;
use std::sync::Arc;

use support::Reply;

use crate::audit_stream::{Entry, Field};
use crate::command::{Arg, Etag, Tick};
use crate::predicted::{Expiry, Predicted};
use crate::reply_text::{Checked, ensure, makes, milliseconds, recorded_patch, violations};

/// The life, version and document of a digest.
type Source = (u32, u64, Arc<str>);

#[derive(Default)]
pub struct Observed {
    digests: HashMap<Source, String>,
    sources: HashMap<String, Source>,
    /// For each command the earliest and the latest time that its clock can have read.
    clock: Vec<(i64, i64)>,
    errors: HashMap<Tick, String>,
    /// Why the rungs of recoveries failed, by command and rung.
    reasons: HashMap<(Tick, &'static str), String>,
}

impl Observed {
    /// Notes the reply of the next command, which ran within these Unix milliseconds.
    pub fn played(&mut self, from_ms: i64, to_ms: i64, reply: &Reply) {
        if let Reply::Error(line) = reply {
            self.errors.insert(self.clock.len(), line.clone());
        }
        self.clock.push((from_ms, to_ms));
    }

    /// A word of a command, with the digests that are known by now.
    pub fn word(&self, arg: &Arg) -> String {
        match arg {
            Arg::Word(word) => word.clone(),
            Arg::Etag(etag) => {
                let source = (etag.life, etag.digest_of, etag.text.clone());
                let digest = self.digests.get(&source).expect("an etag that is used was shown before");
                format!("{}-{digest}", etag.version)
            }
        }
    }

    pub fn check(&mut self, predicted: &Predicted, reply: &Reply) -> Checked {
        let unlike = || format!("wanted {predicted:?}, got {reply}");
        match (predicted, reply) {
            (Predicted::Nil, Reply::Nil) => Ok(()),
            (Predicted::Ok, Reply::Simple(text)) => ensure(text == "OK", unlike),
            (Predicted::Int(number), Reply::Int(found)) => {
                ensure(i64::try_from(*number) == Ok(*found), unlike)
            }
            (Predicted::Text(text), Reply::Bulk(found)) => ensure(text.as_bytes() == found, unlike),
            (Predicted::Etag(etag), Reply::Bulk(_)) => self.etag(etag, reply.text()),
            (Predicted::ErrorOf(tick), Reply::Bulk(_)) => {
                ensure(self.errors.get(tick).is_some_and(|line| line == reply.text()), unlike)
            }
            (Predicted::Time(tick), Reply::Bulk(_)) => self.time(*tick, milliseconds(reply.text())?),
            (Predicted::Patch { from, to }, Reply::Bulk(_)) => makes(reply.text(), from, to),
            (Predicted::Ttl(expiry), Reply::Int(found)) => self.ttl(*expiry, *found),
            (Predicted::ExpireTime(expiry), Reply::Int(found)) => self.expire_time(*expiry, *found),
            (Predicted::Lines(some), Reply::Array(lines)) => {
                let has = |line: &&str| lines.iter().any(|found| found.text().starts_with(line));
                ensure(some.iter().all(has), unlike)
            }
            (Predicted::List(predictions), Reply::Array(items)) => {
                ensure(predictions.len() == items.len(), unlike)?;
                predictions.iter().zip(items).try_for_each(|(predicted, item)| self.check(predicted, item))
            }
            (Predicted::Reason(rung, reason), Reply::Bulk(_)) => self.reason(rung, reason, reply.text()),
            (Predicted::Counts(counts), Reply::Map(_) | Reply::Array(_)) => {
                let names: Vec<&str> = counts.iter().map(|(name, _)| &**name).collect();
                ensure(reply.field_names() == names, unlike)?;
                let is_count = |(name, count)| *reply.field(name) == Reply::Int(count);
                ensure(counts.iter().map(|(name, count)| (&**name, *count as i64)).all(is_count), unlike)
            }
            (Predicted::AnyOrder(predictions), Reply::Array(items)) => {
                let mut found: Vec<&str> = items.iter().map(Reply::text).collect();
                let mut predictions = predictions.clone();
                predictions.sort_unstable();
                found.sort_unstable();
                ensure(predictions == found, unlike)
            }
            (Predicted::Map(predictions), Reply::Map(_) | Reply::Array(_)) => {
                let names: Vec<&str> = predictions.iter().map(|(name, _)| *name).collect();
                ensure(reply.field_names() == names, unlike)?;
                let mut fields = predictions.iter();
                fields.try_for_each(|(name, predicted)| {
                    self.check(predicted, reply.field(name)).map_err(|wrong| format!("{name}: {wrong}"))
                })
            }
            (Predicted::OneOf(predictions), reply) => {
                let fits = predictions.iter().any(|predicted| self.check(predicted, reply).is_ok());
                ensure(fits, unlike)
            }
            (predicted, Reply::Error(line)) => self.error(predicted, line),
            _ => Err(unlike()),
        }
    }

    fn error(&mut self, predicted: &Predicted, line: &str) -> Checked {
        let unlike = || format!("wanted {predicted:?}, got -{line}");
        match predicted {
            Predicted::Error(wanted) => ensure(wanted == line, unlike),
            Predicted::ErrorBegins(begin) => ensure(line.starts_with(begin.as_str()), unlike),
            Predicted::Limit { prefix, name, value } => {
                let has = |word: &str| line.split([' ', ',', ':']).any(|found| found == word);
                ensure(line.split(' ').next() == Some(prefix) && has(name) && has(&value.to_string()), unlike)
            }
            Predicted::Conflict { expected, current } => {
                let begin = format!("CONFLICT expected {}, current is ", self.word(expected));
                self.etag(current, line.strip_prefix(begin.as_str()).ok_or_else(unlike)?)
            }
            Predicted::Invalid(pointers) => violations(line, pointers),
            Predicted::NoRung(tried) => {
                let mut rest = line.strip_prefix("INVALID no rung left: ").ok_or_else(unlike)?;
                for (number, (rung, reason)) in tried.iter().enumerate() {
                    rest = rest.strip_prefix(&format!("{rung}: ")).ok_or_else(unlike)?;
                    let next = tried.get(number + 1).map(|(next, _)| format!("; {next}: "));
                    let end = next.map_or(Some(rest.len()), |next| rest.find(&next)).ok_or_else(unlike)?;
                    self.reason(rung, reason, &rest[..end])?;
                    rest = rest[end..].trim_start_matches("; ");
                }
                Ok(())
            }
            _ => Err(unlike()),
        }
    }

    /// The reason why a rung failed, in the reply of the last command.
    fn reason(&mut self, rung: &'static str, wanted: &Predicted, found: &str) -> Checked {
        self.reasons.insert((self.clock.len() - 1, rung), found.to_owned());
        match wanted {
            Predicted::AnyText => ensure(!found.is_empty(), || format!("no reason why {rung} failed")),
            Predicted::Invalid(pointers) => violations(&format!("INVALID {found}"), pointers),
            other => self.error(other, found),
        }
    }

    /// The version is given; the digest belongs to this document in this life alone.
    fn etag(&mut self, etag: &Etag, found: &str) -> Checked {
        let unlike = || format!("wanted the etag {etag:?}, got {found}");
        let (version, digest) = found.split_once('-').ok_or_else(unlike)?;
        let hex = digest.len() == 16 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure(hex && version == etag.version.to_string(), unlike)?;
        let source = (etag.life, etag.digest_of, etag.text.clone());
        let known = self.digests.entry(source.clone()).or_insert_with(|| digest.to_owned());
        ensure(known == digest, || format!("{found}: the same text had {known} before"))?;
        let owner = self.sources.entry(digest.to_owned()).or_insert_with(|| source.clone());
        ensure(*owner == source, || format!("{found}: another text has the same digest: {owner:?}"))
    }

    fn time(&mut self, tick: Tick, found_ms: i64) -> Checked {
        let (from, to) = self.clock[tick];
        let within = (from..=to).contains(&found_ms);
        ensure(within, || format!("time {found_ms} of command {tick} is not from {from} to {to}"))?;
        self.clock[tick] = (found_ms, found_ms);
        Ok(())
    }

    fn expire_time(&mut self, expiry: Option<Expiry>, found_ms: i64) -> Checked {
        let wanted = match expiry {
            Some(Expiry::After { tick, ms }) => {
                return self
                    .time(tick, found_ms - ms)
                    .map_err(|wrong| format!("expiry less {ms} ms: {wrong}"));
            }
            Some(Expiry::At(at)) => at,
            Some(Expiry::Never) => -1,
            None => -2,
        };
        ensure(found_ms == wanted, || format!("expires at {found_ms}, not {wanted}"))
    }

    /// The time to live at the last command.
    fn ttl(&self, expiry: Expiry, found_ms: i64) -> Checked {
        let (now_from, now_to) = self.clock[self.clock.len() - 1];
        let (from, to) = match expiry {
            Expiry::Never => (-1, -1),
            Expiry::At(at) => (at - now_to, at - now_from),
            Expiry::After { tick, ms } => {
                let (from, to) = self.clock[tick];
                (from + ms - now_to, to + ms - now_from)
            }
        };
        ensure((from..=to).contains(&found_ms), || format!("ttl {found_ms} is not from {from} to {to}"))
    }

    /// An audit entry: these fields and no other.
    pub fn entry(&mut self, entry: &Entry, reply: &Reply, patch_bytes_max: usize) -> Checked {
        let words = reply.array()[1].array();
        let mut found: Vec<(&str, &str)> =
            words.chunks(2).map(|pair| (pair[0].text(), pair[1].text())).collect();
        let mut take = |name: &str| {
            let at = found.iter().position(|(found, _)| *found == name)?;
            Some(found.remove(at).1)
        };
        for (name, field) in &entry.fields {
            let text = take(name).ok_or_else(|| format!("the entry has no {name}: {reply}"))?;
            let unlike = || format!("{name}: wanted {field:?}, got {text}");
            match field {
                Field::Text(wanted) => ensure(wanted == text, unlike)?,
                Field::Begins(begin) => ensure(text.starts_with(begin), unlike)?,
                Field::Etag(etag) => self.etag(etag, text)?,
                Field::Time(tick) => self.time(*tick, milliseconds(text)?)?,
                Field::Reason(tick, rung) => {
                    ensure(self.reasons.get(&(*tick, rung)).is_some_and(|reason| reason == text), unlike)?;
                }
                Field::ErrorOf(tick) => {
                    ensure(self.errors.get(tick).is_some_and(|line| line == text), unlike)?;
                }
            }
        }
        if let Some((from, to)) = &entry.change {
            let patch = take("patch").ok_or_else(|| format!("the entry has no patch: {reply}"))?;
            recorded_patch(patch, take("patch_bytes"), from.as_deref(), to, patch_bytes_max)?;
        }
        ensure(found.is_empty(), || format!("the entry has unexpected fields: {found:?}"))
    }
}
