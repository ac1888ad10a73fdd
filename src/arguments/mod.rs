//! The arguments of a command line: [`expected`], keywords ([`options`]) and single words
//! ([`words`]).

pub mod expected;
pub mod options;
pub mod words;
