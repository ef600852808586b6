//! Waiting for something to become true, with an end and a reason.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is `None`; after `limit` the last answer, what is still missing, is the error.
pub(crate) async fn until<F>(
    what: &str,
    limit: Duration,
    mut missing: impl FnMut() -> F,
) -> Result<()>
where
    F: Future<Output = Option<String>>,
{
    let begin = Instant::now();
    while let Some(reason) = missing().await {
        if begin.elapsed() > limit {
            bail!(
                "waiting for {what} took over {} s: {reason}",
                limit.as_secs()
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn last_answer_is_the_error() {
        let limit = Duration::from_millis(30);
        let missing = || async { Some("node `a` is not ready".to_owned()) };
        let err = until("nodes", limit, missing).await.unwrap_err();
        assert!(err.to_string().contains("node `a` is not ready"));
    }
}
