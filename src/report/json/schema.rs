//! The JSON Schemas of the report and of an inventory, generated from their shapes.

use super::inventory::Inventory;
use super::shape::Report;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};

/// The schema of the report as committed in `docs/json-schema/`, with a line feed at the end.
///
/// # Errors
/// None that input can cause; the signature is serde's.
pub fn text() -> Result<Vec<u8>, serde_json::Error> {
    of::<Report>("report")
}

/// The schema of an inventory, as committed in `docs/json-schema/`.
///
/// # Errors
/// As `text`.
pub fn inventory() -> Result<Vec<u8>, serde_json::Error> {
    of::<Inventory>("inventory")
}

fn of<T: JsonSchema>(name: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut schema = SchemaSettings::draft2020_12()
        .with_transform(NoNumberFormats)
        .into_generator()
        .into_root_schema_for::<T>();
    let id = format!("urn:casewire:schema:{name}:1");
    schema.insert("$id".to_owned(), id.into());
    let title = format!("casewire {name}, major version 1");
    schema.insert("title".to_owned(), title.into());
    super::pretty(&schema)
}

/// Removes `format: uint64` and the like: they are no formats of JSON Schema, and strict
/// validators refuse unknown ones.
#[derive(Clone, Debug)]
struct NoNumberFormats;

impl Transform for NoNumberFormats {
    fn transform(&mut self, schema: &mut Schema) {
        let number = schema
            .get("format")
            .and_then(|f| f.as_str())
            .is_some_and(|f| f.starts_with("int") || f.starts_with("uint"));
        if number {
            schema.remove("format");
        }
        transform_subschemas(self, schema);
    }
}
