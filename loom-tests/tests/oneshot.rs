//! The one-shot alone: who wins, who learns it, and who gets the content.
//!
//! Contenders × contenders: every pair of different winners, and all three at once.
#![cfg(not(courier_shuttle))]

use courier_core::oneshot::{OneShot, Winner};
use courier_core::sync::atomic::{AtomicU8, Ordering};
use courier_core::sync::{Arc, thread};
use courier_loom::model;

/// Claims in all these names at once; the last on the model's main thread.
fn race(contenders: &[Winner]) {
    let oneshot = Arc::new(OneShot::new(Box::new(7)));
    let (last, others) = contenders.split_last().unwrap();
    let peers: Vec<_> = others
        .iter()
        .map(|contender| {
            let (oneshot, contender) = (Arc::clone(&oneshot), *contender);
            thread::spawn("contender".to_owned(), move || claim(&oneshot, contender)).unwrap()
        })
        .collect();
    claim(&oneshot, *last);
    for peer in peers {
        peer.join().unwrap();
    }
    let winner = oneshot.winner().expect("somebody won");
    assert!(contenders.contains(&winner));
    for contender in contenders {
        assert_eq!(
            oneshot.claim(*contender).unwrap_err(),
            winner,
            "claimed twice"
        );
    }
}

fn claim(oneshot: &OneShot<Box<i32>>, contender: Winner) {
    match oneshot.claim(contender) {
        // Dropping a content that somebody else also has would be a double free.
        Ok(content) => assert_eq!((*content, oneshot.winner()), (7, Some(contender))),
        Err(winner) => {
            assert_ne!(winner, contender);
            assert_eq!(oneshot.winner(), Some(winner), "a winner never changes");
        }
    }
}

#[test]
fn req_04_req_17_provider_against_cancel_has_one_winner() {
    model(|| race(&[Winner::Provider, Winner::Cancel]));
}

#[test]
fn req_17_provider_against_loader_has_one_winner() {
    model(|| race(&[Winner::Provider, Winner::Loader]));
}

#[test]
fn req_17_loader_against_cancel_has_one_winner() {
    model(|| race(&[Winner::Loader, Winner::Cancel]));
}

#[test]
fn req_17_all_three_have_one_winner() {
    model(|| race(&[Winner::Provider, Winner::Loader, Winner::Cancel]));
}

/// A contender that learns the winner sees everything that the winner did before its claim.
#[test]
fn req_17_a_loser_sees_what_the_winner_did_before() {
    model(|| {
        let shared = Arc::new((AtomicU8::new(0), OneShot::new(())));
        let peer = {
            let shared = Arc::clone(&shared);
            thread::spawn("winner".to_owned(), move || {
                // ORDERING: Relaxed: the claim's Release publishes it.
                shared.0.store(1, Ordering::Relaxed);
                let _ = shared.1.claim(Winner::Cancel);
            })
        };
        if shared.1.winner() == Some(Winner::Cancel)
            || shared.1.claim(Winner::Provider) == Err(Winner::Cancel)
        {
            // ORDERING: Relaxed: the Acquire that told us of the winner came before.
            assert_eq!(shared.0.load(Ordering::Relaxed), 1);
        }
        peer.unwrap().join().unwrap();
    });
}
