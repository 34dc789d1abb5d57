use std::collections::BTreeMap;
use std::path::Path;

use altair_core::{Edit, ErrorKind, Exported, Imported, List};
use altair_protocol::Kind;
use altair_protocol::view::Content;

use super::{Store, body_of};

fn write(vault: &Path, path: &str, content: impl AsRef<[u8]>) {
    let file = vault.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}

fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(at: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.insert(
                    path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

async fn import(store: &Store, vault: &Path) -> Imported {
    store.import(vault, |_| {}).await.unwrap()
}

async fn export(store: &Store, folder: &Path) -> Exported {
    store.export(folder, false, |_| {}).await.unwrap()
}

fn small_vault(root: &Path) {
    write(
        root,
        "Home.md",
        "---\ntags:\n  - start\naliases: [Beginning]\nnested: {a: [1, 2]}\n# a comment\nodd key!: \"x\"\n---\n\nSee [[Garden]] and ![[plan.png]].\n",
    );
    write(root, "Outside/Garden.md", "Dig over.\r\n\r\nWater #outdoor/beds\r\n");
    write(root, "Outside/Other/Garden.md", "Another. Back to [[Home#Start|home]], to [[Garden]] and [[Nowhere]].");
    write(root, "日記/今日.md", "元気です。");
    write(root, "Empty.md", "");
    write(root, "Files/plan.png", [137, 80, 78, 71, 0, 255]);
    write(root, ".obsidian/app.json", "{}");
}

#[tokio::test]
async fn a_vault_comes_out_as_it_went_in() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    small_vault(&vault);
    let report = import(&store, &vault).await;
    assert_eq!((report.notes, report.attachments, report.links, report.unchanged), (5, 2, 5, 0));
    let out = store.folder.path().join("out");
    let written = export(&store, &out).await;
    assert_eq!((written.notes, written.attachments), (5, 2));
    assert_eq!(tree(&out), tree(&vault));
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    small_vault(&vault);
    import(&store, &vault).await;
    let head = store.head();
    let again = import(&store, &vault).await;
    assert_eq!((again.notes, again.attachments, again.unchanged, again.links), (0, 0, 7, 5));
    assert_eq!(store.head(), head);
    assert_eq!(export(&store, &vault).await, Exported { unchanged: 7, ..Exported::default() });
}

#[tokio::test]
async fn links_resolve_as_in_obsidian() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    small_vault(&vault);
    import(&store, &vault).await;
    let by_path: BTreeMap<String, _> = store
        .list(List::Kind(Kind::Note), 100, None)
        .await
        .unwrap()
        .items
        .into_iter()
        .filter_map(|note| match &note.content {
            Content::Note { path: Some(path), .. } => Some((path.clone(), note.id)),
            _ => None,
        })
        .collect();
    let links = async |path: &str| store.show(by_path[path]).await.unwrap().links;
    let home = links("Home.md").await;
    assert!(home.iter().any(|link| link.id == Some(by_path["Outside/Garden.md"]) && link.relation == "link"));
    assert!(home.iter().any(|link| link.kind == Some(Kind::Attachment) && link.relation == "embed"));
    let other = links("Outside/Other/Garden.md").await;
    assert!(other.iter().any(|link| link.id == Some(by_path["Home.md"])));
    assert!(other.iter().any(|link| link.id == Some(by_path["Outside/Other/Garden.md"])), "the nearest of one name");
    assert!(other.iter().any(|link| link.id.is_none() && link.title == "Nowhere"));
}

#[tokio::test]
async fn edits_made_outside_merge_with_those_made_inside() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "Note.md", "---\nstatus: open\n---\none\n\ntwo\n\nthree\n");
    import(&store, &vault).await;
    let note = store.list(List::Kind(Kind::Note), 1, None).await.unwrap().items.remove(0);
    store.edit(note.id, Edit { append: Some("four, inside".into()), ..Edit::default() }).await.unwrap();
    write(&vault, "Note.md", "---\nstatus: done\nnew: 1\n---\none, outside\n\ntwo\n\nthree\n");
    let report = import(&store, &vault).await;
    assert_eq!((report.notes, report.unchanged), (1, 0));
    let merged = store.get(note.id).await.unwrap();
    assert_eq!(body_of(&merged), "one, outside\n\ntwo\n\nthree\nfour, inside");
    let Content::Note { properties, .. } = &merged.content else { panic!() };
    assert_eq!(serde_json::to_string(properties).unwrap(), r#"{"status":"done","new":1}"#);
    // The file is still what the import read, so the merged note may be written over it.
    assert_eq!(export(&store, &vault).await.notes, 1);
    assert!(std::fs::read_to_string(vault.join("Note.md")).unwrap().ends_with("four, inside"));
    assert_eq!(import(&store, &vault).await.unchanged, 1);
}

#[tokio::test]
async fn a_file_that_changed_outside_is_never_written_over_unless_forced() {
    let store = Store::new().await;
    let (vault, out) = (store.folder.path().join("vault"), store.folder.path().join("out"));
    write(&vault, "A.md", "a");
    write(&vault, "B.md", "b");
    import(&store, &vault).await;
    export(&store, &out).await;
    write(&out, "A.md", "mine");
    let foreign = store.folder.path().join("foreign");
    write(&foreign, "B.md", "somebody else's");
    let report = export(&store, &foreign).await;
    assert_eq!((report.notes, report.skipped[0].reason.as_str()), (1, "changed_outside"));

    for note in store.list(List::Kind(Kind::Note), 10, None).await.unwrap().items {
        store.edit(note.id, Edit { append: Some("inside".into()), ..Edit::default() }).await.unwrap();
    }
    let report = export(&store, &out).await;
    assert_eq!((report.notes, report.skipped.len(), report.skipped[0].path.as_str()), (1, 1, "A.md"));
    assert_eq!(std::fs::read_to_string(out.join("A.md")).unwrap(), "mine");
    let forced = store.export(&out, true, |_| {}).await.unwrap();
    assert_eq!((forced.notes, forced.unchanged), (1, 1));
    assert_eq!(std::fs::read_to_string(out.join("A.md")).unwrap(), "a\ninside");
}

#[tokio::test]
async fn two_devices_that_import_one_vault_have_one_set_of_notes() {
    let (a, b) = (Store::new().await, Store::new().await);
    for store in [&a, &b] {
        let vault = store.folder.path().join("vault");
        small_vault(&vault);
        import(store, &vault).await;
    }
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    for store in [&a, &b] {
        let notes = store.list(List::Kind(Kind::Note), 100, None).await.unwrap().items;
        assert_eq!(notes.len(), 5);
        assert_eq!(store.conflicts().await.unwrap(), vec![]);
        let out = store.folder.path().join("out");
        export(store, &out).await;
        assert_eq!(tree(&out), tree(&store.folder.path().join("vault")), "no text is doubled");
    }
}

#[tokio::test]
async fn a_file_that_was_moved_is_the_same_note() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "Old name.md", "text");
    import(&store, &vault).await;
    let before = store.list(List::Kind(Kind::Note), 10, None).await.unwrap().items.remove(0);
    std::fs::create_dir(vault.join("Folder")).unwrap();
    std::fs::rename(vault.join("Old name.md"), vault.join("Folder/New name.md")).unwrap();
    import(&store, &vault).await;
    let after = store.list(List::Kind(Kind::Note), 10, None).await.unwrap().items;
    assert_eq!((after.len(), after[0].id, after[0].title.as_str()), (1, before.id, "New name"));
}

#[tokio::test]
async fn what_cannot_be_read_is_reported_and_the_rest_goes_on() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "Good.md", "fine");
    write(&vault, "Latin1.md", b"caf\xe9");
    write(&vault, "Nul.md", b"a\0b");
    write(&vault, "Huge.md", vec![b'x'; altair_core::MAX_TEXT_BYTES + 1]);
    write(&vault, ".git/config", "x");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/hostname", vault.join("out.md")).unwrap();
        std::os::unix::fs::symlink(".", vault.join("loop")).unwrap();
    }
    let report = import(&store, &vault).await;
    assert_eq!(report.notes, 1);
    let reasons: Vec<_> = report.skipped.iter().map(|s| (s.path.as_str(), s.reason.as_str())).collect();
    let mut expected =
        vec![(".git", "hidden"), ("Huge.md", "too_large"), ("Latin1.md", "not_utf8"), ("Nul.md", "not_text")];
    if cfg!(unix) {
        expected.extend([("loop", "symlink"), ("out.md", "symlink")]);
    }
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_vault_must_be_a_folder_apart_from_the_store() {
    let store = Store::new().await;
    let missing = store.folder.path().join("missing");
    assert_eq!(store.import(&missing, |_| {}).await.unwrap_err().kind(), ErrorKind::NotFound);
    let inside = store.config().store;
    assert_eq!(store.import(&inside, |_| {}).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.export(&inside, false, |_| {}).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn notes_made_inside_are_exported_under_their_titles() {
    let store = Store::new().await;
    store.note("What? A/B", "x").await;
    store.note("What? A/B", "y").await;
    store.note("", "untitled").await;
    let out = store.folder.path().join("out");
    export(&store, &out).await;
    let names: Vec<_> = tree(&out).into_keys().collect();
    assert_eq!(names, ["Untitled.md", "What A B 2.md", "What A B.md"]);
    let head = store.head();
    // Coming back, they are the notes that they were.
    assert_eq!(import(&store, &out).await.unchanged, 3);
    assert_eq!(store.head(), head);
}

async fn notes(store: &Store) -> BTreeMap<String, (altair_protocol::EntityId, String)> {
    let notes = store.list(List::Kind(Kind::Note), 100, None).await.unwrap().items;
    notes.iter().map(|note| (note.title.clone(), (note.id, body_of(note).to_owned()))).collect()
}

#[tokio::test]
async fn another_vault_of_the_same_name_leaves_the_first_ones_notes_alone() {
    let store = Store::new().await;
    let (first, second) = (store.folder.path().join("home/vault"), store.folder.path().join("work/vault"));
    write(&first, "Todo.md", "milk\n");
    write(&first, "Home.md", "at home\n");
    write(&first, ".obsidian/app.json", "{}");
    import(&store, &first).await;
    let before = notes(&store).await;
    write(&second, "Todo.md", "call the office\n");
    write(&second, "Work.md", "at work\n");
    write(&second, ".obsidian/app.json", "{}");
    assert_eq!(import(&store, &second).await.notes, 2);
    let all = store.list(List::Kind(Kind::Note), 100, None).await.unwrap().items;
    assert_eq!(all.len(), 4);
    for (id, body) in before.values() {
        assert_eq!(body_of(&store.get(*id).await.unwrap()), body);
    }
    // Where the first one lies no longer, the second still isn't it.
    std::fs::remove_dir_all(&first).unwrap();
    let third = store.folder.path().join("else/vault");
    write(&third, "Todo.md", "sow beans\n");
    assert_eq!(import(&store, &third).await.notes, 1);
    assert_eq!(store.list(List::Kind(Kind::Note), 100, None).await.unwrap().items.len(), 5);
}

#[tokio::test]
async fn a_vault_that_was_moved_or_copied_and_edited_is_recognised() {
    let store = Store::new().await;
    let (home, disk) = (store.folder.path().join("home/vault"), store.folder.path().join("disk/vault"));
    for n in 0..5 {
        write(&home, &format!("{n}.md"), format!("note {n}\n"));
        write(&disk, &format!("{n}.md"), format!("note {n}\n"));
    }
    import(&store, &home).await;
    let before = notes(&store).await;
    write(&disk, "0.md", "note 0, edited on the disk\n");
    let report = import(&store, &disk).await;
    assert_eq!((report.notes, report.unchanged), (1, 4));
    // Two folders know the vault now; the moved one is known by one of them alone.
    let moved = store.folder.path().join("moved/vault");
    std::fs::create_dir(moved.parent().unwrap()).unwrap();
    std::fs::rename(&disk, &moved).unwrap();
    write(&moved, "1.md", "note 1, edited after the move\n");
    std::fs::rename(moved.join("2.md"), moved.join("two.md")).unwrap();
    let report = import(&store, &moved).await;
    assert_eq!((report.notes, report.unchanged), (2, 3));
    let after = notes(&store).await;
    assert_eq!(after.len(), 5);
    assert_eq!(after["0"], (before["0"].0, "note 0, edited on the disk\n".into()));
    assert_eq!(after["1"], (before["1"].0, "note 1, edited after the move\n".into()));
    assert_eq!(after["two"], before["2"]);
}

#[tokio::test]
async fn a_note_that_became_another_kind_of_file_stays_and_the_file_comes_in() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "todo.md", "milk\n");
    write(&vault, "list.txt", "bread\n");
    import(&store, &vault).await;
    std::fs::rename(vault.join("todo.md"), vault.join("todo.txt")).unwrap();
    std::fs::rename(vault.join("list.txt"), vault.join("list.md")).unwrap();
    let report = import(&store, &vault).await;
    assert_eq!((report.notes, report.attachments), (1, 1));
    assert_eq!(notes(&store).await.keys().collect::<Vec<_>>(), ["list", "todo"]);
    assert_eq!(import(&store, &vault).await.unchanged, 2);
}

#[tokio::test]
async fn a_copy_of_a_moved_file_is_a_note_of_its_own() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "text\n");
    import(&store, &vault).await;
    let a = notes(&store).await["A"].0;
    std::fs::rename(vault.join("A.md"), vault.join("B.md")).unwrap();
    import(&store, &vault).await;
    std::fs::copy(vault.join("B.md"), vault.join("C.md")).unwrap();
    import(&store, &vault).await;
    // One more where the first one was.
    std::fs::copy(vault.join("B.md"), vault.join("A.md")).unwrap();
    assert_eq!(import(&store, &vault).await.notes, 1);
    let found = notes(&store).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["A", "B", "C"]);
    assert_eq!(found["B"].0, a);
    assert!(found["A"].0 != a && found["C"].0 != a);
    write(&vault, "A.md", "text of A\n");
    import(&store, &vault).await;
    let found = notes(&store).await;
    assert_eq!([&found["A"].1, &found["B"].1, &found["C"].1], ["text of A\n", "text\n", "text\n"]);
}

#[tokio::test]
async fn a_file_that_was_moved_edited_and_moved_back_has_its_text_once() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "one\n");
    import(&store, &vault).await;
    std::fs::rename(vault.join("A.md"), vault.join("B.md")).unwrap();
    import(&store, &vault).await;
    for text in ["one\ntwo\n", "one\ntwo\nthree\n"] {
        write(&vault, "B.md", text);
        import(&store, &vault).await;
    }
    std::fs::rename(vault.join("B.md"), vault.join("A.md")).unwrap();
    import(&store, &vault).await;
    let found = notes(&store).await;
    assert_eq!((found.len(), found["A"].1.as_str()), (1, "one\ntwo\nthree\n"));
}

/// The store's file that has these bytes.
fn blob_of(store: &Store, bytes: &[u8]) -> std::path::PathBuf {
    let root = store.config().store;
    let (path, _) = tree(&root).into_iter().find(|(_, content)| content == bytes).unwrap();
    root.join(path)
}

#[tokio::test]
async fn an_export_that_stopped_half_way_doubles_no_text() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "---\nstatus: open\n---\none\n");
    write(&vault, "Z.png", [0, 1, 2, 255]);
    import(&store, &vault).await;
    let note = notes(&store).await["A"].0;
    store.edit(note, Edit { append: Some("two".into()), ..Edit::default() }).await.unwrap();
    std::fs::remove_file(blob_of(&store, &[0, 1, 2, 255])).unwrap();
    std::fs::remove_file(vault.join("Z.png")).unwrap();
    store.export(&vault, false, |_| {}).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(vault.join("A.md")).unwrap(), "---\nstatus: open\n---\none\ntwo");
    // What was written is known: an edit that follows is compared with it.
    write(&vault, "A.md", "---\nstatus: open\n---\none\ntwo\nthree");
    import(&store, &vault).await;
    assert_eq!(notes(&store).await["A"].1, "one\ntwo\nthree");
}

#[tokio::test]
async fn a_file_that_says_what_its_note_says_is_no_edit() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "one\n");
    import(&store, &vault).await;
    let note = notes(&store).await["A"].0;
    store.edit(note, Edit { append: Some("two".into()), ..Edit::default() }).await.unwrap();
    let head = store.head();
    // As an export that was killed leaves it: written, and not remembered.
    write(&vault, "A.md", "one\ntwo");
    assert_eq!(import(&store, &vault).await.unchanged, 1);
    assert_eq!(store.head(), head);
    write(&vault, "A.md", "one\ntwo\nthree");
    import(&store, &vault).await;
    assert_eq!(notes(&store).await["A"].1, "one\ntwo\nthree");
}

#[tokio::test]
async fn of_notes_with_one_path_the_one_whose_file_it_is_keeps_it() {
    let store = Store::new().await;
    let folders = ["one", "two", "three"].map(|name| store.folder.path().join(name));
    for folder in &folders {
        write(folder, "A.md", format!("of {}", folder.file_name().unwrap().to_str().unwrap()));
        import(&store, folder).await;
    }
    for _ in 0..2 {
        for folder in &folders {
            export(&store, folder).await;
            let own = std::fs::read_to_string(folder.join("A.md")).unwrap();
            assert_eq!(own, format!("of {}", folder.file_name().unwrap().to_str().unwrap()));
            assert_eq!(tree(folder).into_keys().collect::<Vec<_>>(), ["A 2.md", "A 3.md", "A.md"]);
        }
    }
    // The others keep the names that they got, whoever else comes.
    let before = tree(&folders[0]);
    write(&folders[1], "B/A.md", "new");
    import(&store, &folders[1]).await;
    store.note("A", "made inside").await;
    export(&store, &folders[0]).await;
    let after = tree(&folders[0]);
    assert!(before.iter().all(|(path, content)| after[path] == *content));
}

#[cfg(unix)]
#[tokio::test]
async fn a_capture_does_not_wait_for_an_export() {
    let store = Store::new().await;
    let (vault, out) = (store.folder.path().join("vault"), store.folder.path().join("out"));
    write(&vault, "A.png", [0, 1, 2, 255]);
    import(&store, &vault).await;
    // The export reads from a pipe, and stands still until somebody writes to it.
    let blob = blob_of(&store, &[0, 1, 2, 255]);
    std::fs::remove_file(&blob).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&blob).status().unwrap().success());
    let altair = store.altair.clone();
    let (folder, exporting) = (out.clone(), tokio::spawn(async move { altair.export(&out, false, |_| {}).await }));
    let opening = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(blob));
    let mut pipe = opening.await.unwrap().unwrap();
    let capture = tokio::time::timeout(std::time::Duration::from_secs(20), store.thought("a thought")).await;
    std::io::Write::write_all(&mut pipe, &[0, 1, 2, 255]).unwrap();
    drop(pipe);
    assert!(capture.is_ok(), "the capture waited for the export");
    assert_eq!(exporting.await.unwrap().unwrap().attachments, 1);
    assert_eq!(std::fs::read(folder.join("A.png")).unwrap(), [0, 1, 2, 255]);
}

#[tokio::test]
async fn an_erased_note_does_not_come_back_with_its_file() {
    let store = Store::new().await;
    let (vault, copy) = (store.folder.path().join("vault"), store.folder.path().join("copy/vault"));
    for name in ["A", "B", "C", "D"] {
        write(&vault, &format!("{name}.md"), format!("---\nsecret: {name}\n---\ntext of {name}\n"));
    }
    import(&store, &vault).await;
    let before = notes(&store).await;
    // Edited since its first import, so its content doesn't tell which note it was.
    write(&vault, "A.md", "edited\n");
    import(&store, &vault).await;
    for name in ["A", "B"] {
        store.delete(before[name].0).await.unwrap();
        store.erase(before[name].0).await.unwrap();
    }
    let store = store.reopen().await;
    assert_eq!(import(&store, &vault).await.unchanged, 4);
    write(&vault, "A.md", "edited again\n");
    std::fs::rename(vault.join("B.md"), vault.join("Moved.md")).unwrap();
    assert_eq!(import(&store, &vault).await.unchanged, 4);
    write(&vault, "Moved.md", "edited after the move\n");
    assert_eq!(import(&store, &vault).await.unchanged, 4);
    // In a copy of the vault too.
    for (path, content) in tree(&vault) {
        write(&copy, &path, content);
    }
    assert_eq!(import(&store, &copy).await.unchanged, 4);
    assert_eq!(notes(&store).await.keys().collect::<Vec<_>>(), ["C", "D"]);

    // Its file is left alone, even where another note wants its name.
    store.note("A", "another").await;
    let outside = tree(&vault);
    let report = store.export(&vault, true, |_| {}).await.unwrap();
    assert_eq!((report.notes, report.unchanged), (1, 2));
    let mut after = tree(&vault);
    assert_eq!(after.remove("A 2.md").unwrap(), b"another");
    assert_eq!(after, outside);
}

#[tokio::test]
async fn a_body_never_runs_into_the_front_matter() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "---\nstatus: open\n---");
    write(&vault, "B.md", "---\r\nstatus: open\r\n---");
    import(&store, &vault).await;
    assert_eq!(export(&store, &vault).await.unchanged, 2);
    for (id, _) in notes(&store).await.values() {
        store.edit(*id, Edit { append: Some("x".into()), ..Edit::default() }).await.unwrap();
    }
    export(&store, &vault).await;
    assert_eq!(std::fs::read_to_string(vault.join("A.md")).unwrap(), "---\nstatus: open\n---\nx");
    assert_eq!(std::fs::read_to_string(vault.join("B.md")).unwrap(), "---\r\nstatus: open\r\n---\r\nx");
    assert_eq!(import(&store, &vault).await.unchanged, 2);
    write(&vault, "A.md", "---\nstatus: open\n---\nx, outside");
    import(&store, &vault).await;
    assert_eq!(notes(&store).await["A"].1, "x, outside");
    assert_eq!(export(&store, &vault).await.unchanged, 2);
}

#[tokio::test]
async fn a_title_of_any_script_and_length_can_be_exported() {
    let store = Store::new().await;
    for body in ["x", "y"] {
        store.note(&"日".repeat(200), body).await;
    }
    let out = store.folder.path().join("out");
    assert_eq!(export(&store, &out).await.notes, 2);
    assert_eq!(import(&store, &out).await.unchanged, 2);
}

#[tokio::test]
async fn what_an_export_left_behind_is_not_imported() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "text");
    write(&vault, ".0123456789abcdef.altair-partial", "te");
    let report = import(&store, &vault).await;
    assert_eq!((report.notes, report.attachments, report.skipped.len()), (1, 0, 0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_private_file_stays_private() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    write(&vault, "A.md", "text");
    std::fs::set_permissions(vault.join("A.md"), std::fs::Permissions::from_mode(0o600)).unwrap();
    import(&store, &vault).await;
    let id = notes(&store).await["A"].0;
    store.edit(id, Edit { append: Some("more".into()), ..Edit::default() }).await.unwrap();
    assert_eq!(export(&store, &vault).await.notes, 1);
    assert_eq!(std::fs::metadata(vault.join("A.md")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_property_put_in_above_others_leaves_them_as_they_are_inside() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    std::fs::create_dir(&vault).unwrap();
    let file = vault.join("n.md");
    std::fs::write(&file, "---\nstatus: open\nb: 1\n---\nbody\n").unwrap();
    store.import(&vault, |_| {}).await.unwrap();
    let note = store.list(altair_core::List::Kind(altair_protocol::Kind::Note), 1, None).await.unwrap().items[0].id;
    let first = store.history(note, 10, None).await.unwrap().items[0].version.to_string();
    std::fs::write(&file, "---\nstatus: closed\nb: 1\n---\nbody\n").unwrap();
    store.import(&vault, |_| {}).await.unwrap();
    store.revert(note, &first).await.unwrap();
    std::fs::write(&file, "---\nnew: 1\nstatus: closed\nb: 1\n---\nbody\n").unwrap();
    store.import(&vault, |_| {}).await.unwrap();
    let shown = serde_json::to_value(store.get(note).await.unwrap()).unwrap();
    assert_eq!(shown["properties"], serde_json::json!({ "new": 1, "status": "open", "b": 1 }));
    store.export(&vault, false, |_| {}).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "---\nnew: 1\nstatus: open\nb: 1\n---\nbody\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_quiet_does_not_wait_for_an_import_to_end() {
    let store = Store::new().await;
    let note = store.note("The fence", "white").await;
    let vault = tempfile::tempdir().unwrap();
    for n in 0..4000 {
        std::fs::write(vault.path().join(format!("{n}.md")), format!("Bed {n} of [[{}]]\n", n / 2)).unwrap();
    }
    let (begun, mut beginning) = tokio::sync::watch::channel(0);
    let importing = {
        let (altair, folder) = (store.altair.clone(), vault.path().to_owned());
        tokio::spawn(async move {
            let told = move |progress: altair_core::Progress| {
                begun.send_replace(progress.done);
            };
            altair.import(&folder, told).await
        })
    };
    beginning.wait_for(|done| *done > 0).await.unwrap();
    let versions = store.history(note, 10, None).await.unwrap().items;
    store.revert(note, &versions[0].version.to_string()).await.unwrap();
    assert!(!importing.is_finished(), "the import was to be longer than a revert");
    assert_eq!(importing.await.unwrap().unwrap().notes, 4000);
}
