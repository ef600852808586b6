//! Running a credential plugin.

use std::io;
use std::process::Stdio;

use agent_kubeconfig::{Ended, Program};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

/// How much a plugin may print, in bytes: its credentials, and what it says to the person.
const CREDENTIALS: usize = 1 << 20;
const SAID: usize = 1 << 20;

/// Runs it to its end. It is killed when nobody waits for it any more.
pub(super) async fn run(mut program: Program) -> io::Result<Ended> {
    let mut command = Command::new(&program.command);
    command
        .args(program.arguments.iter().map(|argument| argument.as_str()))
        .envs(
            program
                .environment
                .iter()
                .map(|(name, value)| (name, value.as_str())),
        )
        .stdin(if program.interactive {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut written = Zeroizing::new(Vec::new());
    let mut shown = 0_usize;
    let read = each(stdout, |bytes| {
        written.extend_from_slice(bytes);
        written.len() <= CREDENTIALS
    });
    let show = each(stderr, |bytes| {
        shown = shown.saturating_add(bytes.len());
        (program.stderr)(bytes);
        shown <= SAID
    });
    // One that says too much is not waited for: it is killed when this is dropped.
    let (status, (), ()) = tokio::try_join!(child.wait(), read, show)?;
    Ok(Ended {
        code: status.code(),
        stdout: written,
    })
}

/// Reads a stream to its end, or as long as `take` wants more of it.
async fn each(
    stream: Option<impl AsyncRead + Unpin>,
    mut take: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let Some(mut stream) = stream else {
        return Ok(());
    };
    let mut buffer = Zeroizing::new(vec![0; 4096]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count if take(&buffer[..count]) => {}
            _ => return Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
}
