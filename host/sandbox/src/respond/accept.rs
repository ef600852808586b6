//! What a client is ready to read.

use crate::request::Query;
use crate::status::ApiError;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Full,
    Table,
    Metadata,
}

/// How much of each object a table carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    Metadata,
    Object,
}

#[derive(Debug, Clone)]
pub(crate) struct Accept {
    pub(crate) shape: Shape,
    pub(crate) include: IncludeObject,
    pub(crate) yaml: bool,
    /// The discovery document of all groups at once, rather than one at a time.
    pub(crate) aggregated: bool,
    /// A media type that no JSON stands for was all that was asked for.
    acceptable: bool,
}

impl Accept {
    pub(crate) fn parse(header: &str, query: &Query) -> Self {
        let include = match query.get("includeObject") {
            Some("None") => IncludeObject::None,
            Some("Object") => IncludeObject::Object,
            _ => IncludeObject::Metadata,
        };
        let mut accept = Self {
            shape: Shape::Full,
            include,
            yaml: false,
            aggregated: false,
            acceptable: true,
        };
        if header.trim().is_empty() {
            return accept;
        }
        for clause in header.split(',') {
            if accept.choose(clause) {
                return accept;
            }
        }
        accept.acceptable = false;
        accept
    }

    fn choose(&mut self, clause: &str) -> bool {
        let mut parts = clause.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let parameters: Vec<&str> = parts.collect();
        let kind = parameters
            .iter()
            .find_map(|parameter| parameter.strip_prefix("as="));
        match media_type {
            "application/json" | "*/*" | "application/*" | "text/plain" | "text/*" => {}
            "application/yaml" => self.yaml = true,
            _ => return false,
        }
        match kind {
            Some("Table") => self.shape = Shape::Table,
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                self.shape = Shape::Metadata
            }
            Some("APIGroupDiscoveryList") if parameters.contains(&"v=v2") => self.aggregated = true,
            Some(_) => return false,
            None => {}
        }
        true
    }

    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if self.acceptable {
            return Ok(());
        }
        Err(ApiError::not_acceptable(
            "application/json, application/yaml",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_clause_wins() {
        let parse = |header: &str| Accept::parse(header, &Query::default());
        let table = parse("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        assert_eq!(table.shape, Shape::Table);
        assert_eq!(
            parse("application/vnd.kubernetes.protobuf,application/json").shape,
            Shape::Full
        );
        assert!(parse("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json").aggregated);
        assert!(
            parse("application/vnd.kubernetes.protobuf")
                .check()
                .is_err()
        );
    }
}
