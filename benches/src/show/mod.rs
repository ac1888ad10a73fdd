//! Shows results: tables for the terminal and the pages, plots, and the pages with both.

mod chart;
pub mod node;
pub mod pages;
pub mod plots;
mod table;
pub mod tables;
