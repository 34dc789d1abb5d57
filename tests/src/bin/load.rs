//! `altair-load STORE TAG [hold|lock]`: a writer under load, to be killed by the tests.
//!
//! Eight loops capture as fast as they can and print every capture that was answered, `ID TEXT`, each on a line that is flushed before
//! the loop goes on; a ninth searches for what was answered. With `hold` it only keeps the store open until stdin ends; with `lock` it has the store's lock as long, and nothing that
//! could be joined.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "all of this is test code")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use altair_core::{Altair, Config, NewCapture, Search};

const LOOPS: u64 = 8;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever started this has gone: nothing left to do.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wait = || tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    if arguments.get(2).is_some_and(|word| word == "lock") {
        let store = Path::new(&arguments[0]);
        std::fs::create_dir_all(store).unwrap();
        let lock = std::fs::File::create(store.join("host.lock")).unwrap();
        lock.lock().unwrap();
        let host = format!(r#"{{"pid": {}, "epoch": 1}}"#, std::process::id());
        std::fs::write(store.join("host.json"), host).unwrap();
        say("open");
        wait().await.unwrap().unwrap();
        return;
    }
    let altair = Altair::open(Config::new(&arguments[0])).await.expect("the store opens");
    if arguments.get(2).is_some_and(|word| word == "hold") {
        say("open");
        wait().await.unwrap().unwrap();
        altair.close().await.expect("the store closes");
        return;
    }
    say("open");
    let tag = arguments[1].clone();
    let newest = Arc::new(AtomicU64::new(u64::MAX));
    let mut loops = tokio::task::JoinSet::new();
    for number in 0..LOOPS {
        let (altair, tag, newest) = (altair.clone(), tag.clone(), Arc::clone(&newest));
        loops.spawn(async move {
            for n in 0_u64.. {
                let word = (number << 32) | n;
                // Of many sizes, some of them too large for one page of anything.
                let padding =
                    " padding".repeat(usize::try_from((word.wrapping_mul(2_654_435_761) >> 7) % 40).unwrap_or(0));
                let text = format!("{tag}x{word:010x}q{padding}");
                let made = altair
                    .capture(NewCapture { text: text.clone(), ..Default::default() })
                    .await
                    .expect("a capture is taken");
                say(&format!("{} {text}", made.id));
                newest.store(word, Ordering::Release);
            }
        });
    }
    loops.spawn(async move {
        loop {
            let word = newest.load(Ordering::Acquire);
            if word == u64::MAX {
                tokio::task::yield_now().await;
                continue;
            }
            let found = altair.search(Search::new(format!("{tag}x{word:010x}q"))).await.expect("a search is answered");
            if found.items.len() != 1 {
                say(&format!("MISSED {tag}x{word:010x}q"));
            }
        }
    });
    while let Some(ended) = loops.join_next().await {
        ended.unwrap();
    }
}
