//! The report: its model and its renderings. Renderers are pure: they know no terminal.

pub mod ignore;
pub mod model;
pub mod narrate;
pub mod render;

/// The JSON Schema of [`model::Report`], as published for people who script against `-o json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(model::Report).to_value()
}
