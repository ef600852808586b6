//! A kubeconfig, up to the connection that it describes. No program is run and no other file read.

use std::io;
use std::path::Path;
use std::sync::Arc;

use agent_kubeconfig::{Access, Ended, Kubeconfig, Sources};
use futures::FutureExt as _;
use tokio::runtime::Builder;

pub(crate) fn run(bytes: &[u8]) {
    let named = Path::new("config");
    let sources = Sources {
        named: Some(named),
        ..Sources::default()
    };
    let Ok(kubeconfig) = Kubeconfig::load(&sources, |_| Ok(bytes.to_vec())) else {
        return;
    };
    if let Some(context) = kubeconfig.context(None) {
        let context = context.to_owned();
        // Of what is found wrong only its own layer is told, and there is always something to tell.
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        if let Err(wrong) = runtime.block_on(kubeconfig.connect(Some(&context), access())) {
            assert!(!wrong.to_string().is_empty());
        }
    }
}

fn access() -> Access {
    Access {
        read: |_| Err(io::ErrorKind::NotFound.into()),
        variable: |_| None,
        run: Arc::new(|_| {
            let ended = Ended {
                code: Some(1),
                stdout: Vec::new().into(),
            };
            async { Ok(ended) }.boxed()
        }),
        show: Arc::new(|_| {}),
        learn: Arc::new(|_| {}),
        interactive: false,
    }
}
