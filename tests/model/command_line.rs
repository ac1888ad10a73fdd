//! The words of a command: fixed ones, then options in any order and case. With the marks for the
//! coverage.

use crate::command::{Arg, Common, Ttl};

pub struct Line {
    name: &'static str,
    fixed: Vec<Arg>,
    options: Vec<Vec<Arg>>,
    /// `STATE.UPDATE`, `STATE.UPDATE PATCH`, …
    pub marks: Vec<String>,
}

impl Line {
    pub fn new(name: &'static str, fixed: &[&str]) -> Line {
        let words = name.split(' ').chain(fixed.iter().copied());
        Line {
            name,
            fixed: words.map(Arg::from).collect(),
            options: Vec::new(),
            marks: vec![name.to_owned()],
        }
    }

    pub fn arg(mut self, arg: Arg) -> Line {
        self.fixed.push(arg);
        self
    }

    /// A keyword with its values.
    pub fn option(&mut self, keyword: &str, values: &[&str]) {
        self.marks.push(format!("{} {keyword}", self.name));
        self.options.push(std::iter::once(keyword).chain(values.iter().copied()).map(Arg::from).collect());
    }

    pub fn option_if(&mut self, keyword: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.option(keyword, &[value]);
        }
    }

    /// Adds the common arguments that are given.
    pub fn common(&mut self, common: &Common, audit: &str) {
        self.option_if("EVENT", common.metadata.event);
        self.option_if("ACTOR", common.metadata.actor);
        self.option_if("NOTE", common.metadata.note);
        self.option_if("OPERATION", common.metadata.operation);
        self.option_if("COMPONENT", common.metadata.component);
        self.option_if("TURN", common.metadata.turn);
        self.ttl(common.ttl);
        if common.returns {
            self.option("RETURN", &[]);
        }
        self.audit(common, audit);
    }

    pub fn ttl(&mut self, ttl: Option<Ttl>) {
        let (keyword, number) = match ttl {
            None => return,
            Some(Ttl::Seconds(number)) => ("EX", number),
            Some(Ttl::Milliseconds(number)) => ("PX", number),
            Some(Ttl::AtSeconds(number)) => ("EXAT", number),
            Some(Ttl::AtMilliseconds(number)) => ("PXAT", number),
            Some(Ttl::Keep) => return self.option("KEEPTTL", &[]),
            Some(Ttl::Persist) => return self.option("PERSIST", &[]),
        };
        self.option(keyword, &[&number.to_string()]);
    }

    pub fn audit(&mut self, common: &Common, audit: &str) {
        if let Some(right) = common.audit {
            self.option("AUDIT", &[if right { audit } else { "{channel:+263779999999}:audit" }]);
        }
    }

    /// All words, with the options rotated and their keywords in the chosen case.
    pub fn words(&mut self, common: Option<&Common>) -> Vec<Arg> {
        let mut options = std::mem::take(&mut self.options);
        if let Some(common) = common {
            let by = common.rotate % options.len().max(1);
            options.rotate_left(by);
            for option in options.iter_mut().filter(|_| common.small) {
                if let Arg::Word(keyword) = &mut option[0] {
                    *keyword = keyword.to_lowercase();
                }
            }
        }
        let mut words = std::mem::take(&mut self.fixed);
        words.extend(options.into_iter().flatten());
        words
    }
}
