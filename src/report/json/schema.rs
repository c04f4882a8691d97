//! The JSON Schema of the report, generated from `shape`.

use super::shape::Report;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};

/// The schema as committed in `docs/json-schema/`, with a line feed at the end.
///
/// # Errors
/// None that input can cause; the signature is serde's.
pub fn text() -> Result<Vec<u8>, serde_json::Error> {
    let mut schema = SchemaSettings::draft2020_12()
        .with_transform(NoNumberFormats)
        .into_generator()
        .into_root_schema_for::<Report>();
    schema.insert("$id".to_owned(), "urn:casewire:schema:report:1".into());
    schema.insert(
        "title".to_owned(),
        "casewire report, major version 1".into(),
    );
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
