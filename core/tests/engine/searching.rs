use altair_core::{Edit, ErrorKind, Search};

use super::Store;

async fn titles(store: &Store, query: &str) -> Vec<String> {
    let page = store.search(Search::new(query)).await.unwrap();
    page.items.into_iter().map(|hit| hit.title).collect()
}

#[tokio::test]
async fn what_was_just_written_is_found_at_once() {
    let store = Store::new().await;
    for n in 0..30 {
        let word = format!("word{n}x");
        let id = store.note(&word, "").await;
        assert_eq!(titles(&store, &word).await, std::slice::from_ref(&word));
        store.edit(id, Edit { append: Some(format!("changed{n}x")), ..Edit::default() }).await.unwrap();
        assert_eq!(titles(&store, &format!("changed{n}x")).await, [word]);
    }
}

#[tokio::test]
async fn an_index_that_missed_commits_catches_up() {
    let store = Store::new().await;
    store.note("first", "").await;
    titles(&store, "first").await;
    let store = store.reopen().await;
    // Nobody searches in this session, so the index learns of these only later.
    for n in 0..10 {
        store.note(&format!("later {n}"), "").await;
    }
    let gone = store.note("later gone", "").await;
    store.delete(gone).await.unwrap();
    let store = store.reopen().await;
    assert_eq!(titles(&store, "later").await.len(), 10);
}

#[tokio::test]
async fn a_missing_or_damaged_index_is_made_anew() {
    let store = Store::new().await;
    store.note("Fence", "green").await;
    titles(&store, "fence").await;
    store.close().await;
    let folder = store.config().store.join("search");
    for damage in 0..3 {
        match damage {
            0 => std::fs::remove_dir_all(&folder).unwrap(),
            1 => std::fs::write(folder.join("meta.json"), b"{").unwrap(),
            _ => {
                for entry in std::fs::read_dir(&folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_file() {
                        std::fs::write(path, b"x").unwrap();
                    }
                }
            }
        }
        let altair = altair_core::Altair::open(store.config()).await.unwrap();
        assert_eq!(altair.search(Search::new("green")).await.unwrap().items.len(), 1, "damage {damage}");
        altair.close().await.unwrap();
    }
}

#[tokio::test]
async fn wrong_queries_are_refused() {
    let store = Store::new().await;
    for query in ["", "  ", "kind:banana", "after:soon"] {
        let error = store.search(Search::new(query)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{query:?}");
    }
    let cursor = Search { after: Some("nonsense".into()), ..Search::new("fence") };
    assert_eq!(store.search(cursor).await.unwrap_err().kind(), ErrorKind::Invalid);
    let limit = Search { limit: 0, ..Search::new("fence") };
    assert_eq!(store.search(limit).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn hits_are_paged() {
    let store = Store::new().await;
    for n in 0..12 {
        store.note(&format!("figs {n}"), "").await;
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.search(Search { limit: 5, after, ..Search::new("figs") }).await.unwrap();
        found.extend(page.items.into_iter().map(|hit| hit.title));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 12);
}

#[tokio::test]
async fn an_index_that_is_filled_anew_forgets_what_was_erased() {
    let store = Store::new().await;
    let (secret, trashed) = (store.note("secretx", "").await, store.note("trashedx", "").await);
    assert_eq!(titles(&store, "secretx").await.len(), 1);
    let store = store.reopen().await;
    store.erase(secret).await.unwrap();
    store.delete(trashed).await.unwrap();
    // So many that reading everything is less work than following the log.
    let vault = store.folder.path().join("vault");
    std::fs::create_dir(&vault).unwrap();
    for n in 0..1100 {
        std::fs::write(vault.join(format!("{n}.md")), "fill").unwrap();
    }
    store.import(&vault, |_| {}).await.unwrap();
    let store = store.reopen().await;
    assert_eq!(titles(&store, "fill").await.len(), 50);
    assert_eq!(titles(&store, "secretx").await, Vec::<String>::new());
    assert_eq!(titles(&store, "trashedx").await, Vec::<String>::new());
}
