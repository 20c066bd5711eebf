//! The report: its model and its renderings. Renderers are pure: they know no terminal.

pub mod model;
