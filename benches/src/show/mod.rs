//! What a run found, shown: tables for the terminal and the pages, plots, and pages that carry both.

pub mod node;
pub mod pages;
pub mod plots;
mod svg;
mod table;
pub mod tables;
