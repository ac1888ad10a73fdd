//! The native type `statedoc1`: the functions that Redis calls on the values of its keys.

mod life;
mod persistence;
pub mod registration;
