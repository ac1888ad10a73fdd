//! The arguments of a command line: keywords ([`options`]) and single words ([`words`]).

pub mod options;
pub mod words;
