//! Shows results: tables for the terminal and the pages, plots, and the pages with both.

pub mod node;
pub mod pages;
pub mod plots;
mod svg;
mod table;
pub mod tables;
