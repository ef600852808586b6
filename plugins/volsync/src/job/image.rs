//! The image of VolSync's restic mover, which has restic in it, and what it takes to pull it. Pure.

use serde_json::Value;

/// The mover of VolSync 0.16; used when the running VolSync does not say which image it uses.
const NAME: &str = "quay.io/backube/volsync:0.16.0";

/// An image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// Secrets of the app's namespace that pull it. Those that are not there do no harm.
    pub(crate) pull_secrets: Vec<String>,
}

impl Image {
    /// Reads what VolSync's Deployment is told; a known one when there is no Deployment.
    pub(crate) fn of(deployment: Option<&Value>) -> Image {
        let name = deployment.and_then(name_of);
        Image {
            name: name.unwrap_or_else(|| NAME.to_owned()),
            pull_secrets: deployment.map(pull_secrets).unwrap_or_default(),
        }
    }
}

/// Returns the image of the restic mover that VolSync's Deployment is told to use.
pub(crate) fn name_of(deployment: &Value) -> Option<String> {
    const VARIABLE: &str = "RELATED_IMAGE_RESTIC_CONTAINER";
    let variable = || {
        containers(deployment).iter().find_map(|container| {
            let env = container["env"].as_array()?;
            env.iter().find(|variable| variable["name"] == VARIABLE)?["value"].as_str()
        })
    };
    flag(deployment, "--restic-container-image=")
        .or_else(variable)
        .filter(|image| !image.is_empty())
        .map(str::to_owned)
}

/// VolSync copies the secrets that it is told of into the namespace of each source, under names with a checksum of theirs, and gives the copies to
/// the service accounts of its movers.
fn pull_secrets(deployment: &Value) -> Vec<String> {
    flag(deployment, "--mover-image-pull-secrets=")
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| format!("volsync-pull-{:08x}", crc32(name)))
        .collect()
}

fn flag<'a>(deployment: &'a Value, flag: &str) -> Option<&'a str> {
    containers(deployment).iter().find_map(|container| {
        let args = container["args"].as_array()?;
        args.iter().find_map(|arg| arg.as_str()?.strip_prefix(flag))
    })
}

fn containers(deployment: &Value) -> &[Value] {
    deployment
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// CRC-32 as of IEEE 802.3, bit by bit: for a few short names.
fn crc32(text: &str) -> u32 {
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(args: Value, env: Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": [
            {"name": "kube-rbac-proxy", "args": ["--v=0"]},
            {"name": "manager", "args": args, "env": env},
        ]}}}})
    }

    #[test]
    fn image_is_the_one_that_the_running_volsync_uses() {
        let args = json!([
            "--metrics",
            "--restic-container-image=ghcr.io/x/volsync:0.17"
        ]);
        let by_flag = name_of(&told(args, json!([])));
        assert_eq!(by_flag.as_deref(), Some("ghcr.io/x/volsync:0.17"));
        let env = json!([{"name": "RELATED_IMAGE_RESTIC_CONTAINER", "value": "quay.io/y:1"}]);
        let by_variable = name_of(&told(json!([]), env));
        assert_eq!(by_variable.as_deref(), Some("quay.io/y:1"));
        assert_eq!(name_of(&json!({"spec": {}})), None);
        assert_eq!(Image::of(None).name, NAME);
    }

    #[test]
    fn pull_secrets_have_the_names_of_volsyncs_copies() {
        assert_eq!(crc32("123456789"), 0xcbf4_3926);
        let args = json!(["--mover-image-pull-secrets=registry,123456789"]);
        let image = Image::of(Some(&told(args, json!([]))));
        assert_eq!(image.pull_secrets.len(), 2);
        assert_eq!(image.pull_secrets[1], "volsync-pull-cbf43926");
        assert!(Image::of(Some(&json!({}))).pull_secrets.is_empty());
    }
}
