use std::cell::Cell;

use tokio::time::{Instant, sleep};

use super::*;

#[tokio::test(start_paused = true)]
async fn what_takes_long_is_told_once_and_comes_to_its_end() {
    for (seconds, wanted) in [(1, 0), (7, 0), (9, 1), (100, 1)] {
        let (told, begin) = (Cell::new(0), Instant::now());
        let work = async {
            sleep(Duration::from_secs(seconds)).await;
            seconds
        };
        let done = slow(work, || told.set(told.get() + 1)).await;
        assert_eq!((done, told.get()), (seconds, wanted));
        assert_eq!(begin.elapsed().as_secs(), seconds);
    }
}
