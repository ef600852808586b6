//! From a CustomResourceDefinition to the resources that it defines, and the status that it then has.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Column, FULL, Resource, ScalePaths, SchemaSource};
use crate::object;

/// The group and plural of CustomResourceDefinitions themselves.
pub(crate) const GROUP: &str = "apiextensions.k8s.io";
pub(crate) const PLURAL: &str = "customresourcedefinitions";

/// Whether `resource` is one of those that `crd` defines.
pub(crate) fn defines(crd: &Value, resource: &Resource) -> bool {
    resource.is_custom
        && crd["spec"]["group"] == resource.group
        && crd["spec"]["names"]["plural"] == resource.plural
}

/// One resource per served version, the preferred one first.
pub(crate) fn resources(crd: &Value) -> Vec<Resource> {
    let mut served: Vec<&Value> = object::list(&crd["spec"]["versions"])
        .iter()
        .filter(|version| version["served"] == true)
        .collect();
    served.sort_by_key(|version| std::cmp::Reverse(priority(text(version, "name"))));
    served
        .into_iter()
        .map(|version| resource(crd, version))
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Kubernetes' order of versions: v2 before v1 before v1beta2 before v1alpha1.
fn priority(version: &str) -> (u8, u32, u32) {
    let rest = version.strip_prefix('v').unwrap_or_default();
    let digits = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    let major = rest[..digits].parse().unwrap_or(0);
    let minor = |stage: &str| {
        rest[digits..]
            .strip_prefix(stage)
            .and_then(|number| number.parse::<u32>().ok())
    };
    match (minor("beta"), minor("alpha")) {
        _ if digits == rest.len() => (3, major, 0),
        (Some(number), _) => (2, major, number),
        (_, Some(number)) => (1, major, number),
        _ => (0, 0, 0),
    }
}

fn resource(crd: &Value, version: &Value) -> Resource {
    let names = &crd["spec"]["names"];
    let kind = text(names, "kind").to_owned();
    let singular = names["singular"]
        .as_str()
        .map_or_else(|| kind.to_lowercase(), str::to_owned);
    let list_kind = names["listKind"]
        .as_str()
        .map_or_else(|| format!("{kind}List"), str::to_owned);
    let own = |key: &str| {
        object::strings(&names[key])
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    Resource {
        group: text(&crd["spec"], "group").to_owned(),
        version: text(version, "name").to_owned(),
        list_kind,
        plural: text(names, "plural").to_owned(),
        singular,
        short_names: own("shortNames"),
        categories: own("categories"),
        namespaced: crd["spec"]["scope"] == "Namespaced",
        verbs: FULL,
        has_status: version["subresources"].get("status").is_some(),
        scale: version["subresources"].get("scale").map(scale),
        others: Vec::new(),
        columns: object::list(&version["additionalPrinterColumns"])
            .iter()
            .map(column)
            .collect(),
        selectable: object::list(&version["selectableFields"])
            .iter()
            .map(|field| text(field, "jsonPath").to_owned())
            .collect(),
        is_custom: true,
        has_rules: version["schema"]
            .to_string()
            .contains("\"x-kubernetes-validations\""),
        schema: SchemaSource::Custom(Arc::new(with_metadata(
            &version["schema"]["openAPIV3Schema"],
        ))),
        kind,
    }
}

fn scale(paths: &Value) -> ScalePaths {
    ScalePaths {
        spec: text(paths, "specReplicasPath").to_owned(),
        status: text(paths, "statusReplicasPath").to_owned(),
        selector: paths["labelSelectorPath"].as_str().map(str::to_owned),
    }
}

fn column(column: &Value) -> Column {
    Column {
        name: text(column, "name").to_owned(),
        type_name: text(column, "type").to_owned(),
        format: text(column, "format").to_owned(),
        description: text(column, "description").to_owned(),
        priority: column["priority"].as_i64().unwrap_or(0),
        path: text(column, "jsonPath").to_owned(),
    }
}

/// The declared schema, with the real schema of the metadata that every object has.
fn with_metadata(declared: &Value) -> Value {
    let mut schema = if declared.is_object() {
        declared.clone()
    } else {
        json!({ "type": "object" })
    };
    let properties = object::child_mut(&mut schema, "properties");
    properties.insert(
        "metadata".into(),
        json!({ "$ref": format!("#/components/schemas/{}", crate::schema::OBJECT_META) }),
    );
    schema
}

/// Fills in the names and the status that the server gives a definition.
pub(crate) fn establish(crd: &mut Value) {
    let kind = text(&crd["spec"]["names"], "kind").to_owned();
    object::default(&mut crd["spec"]["names"], "singular", kind.to_lowercase());
    object::default(&mut crd["spec"]["names"], "listKind", format!("{kind}List"));
    object::default(
        &mut crd["spec"],
        "conversion",
        json!({ "strategy": "None" }),
    );
    let now = object::now();
    let condition = |kind: &str, reason: &str, message: &str| json!({ "type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now });
    let stored: Vec<&Value> = object::list(&crd["spec"]["versions"])
        .iter()
        .filter(|version| version["storage"] == true)
        .map(|version| &version["name"])
        .collect();
    let stored = json!(stored);
    if crd["status"]["conditions"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        crd["status"] = json!({
            "conditions": [
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
        });
    }
    crd["status"]["acceptedNames"] = crd["spec"]["names"].clone();
    crd["status"]["storedVersions"] = stored;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_served_in_kubernetes_order() {
        let mut versions = ["v1alpha1", "v1", "v1beta2", "v2", "v1beta10"];
        versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
        assert_eq!(versions, ["v2", "v1", "v1beta10", "v1beta2", "v1alpha1"]);
    }
}
