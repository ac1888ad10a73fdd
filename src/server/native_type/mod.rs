//! The callbacks of the native type.

pub mod persistence;
