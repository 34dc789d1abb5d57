//! Damage of every kind to every file: never a panic, never a wrong answer from a file that was seen to change.

use std::time::{Duration, SystemTime};

use super::*;

/// An index with several segments, one of them with a removed document.
fn sample() -> TempDir {
    let dir = TempDir::new().unwrap();
    let index = open(dir.path());
    for part in 0..2_u64 {
        index.put((0..4).map(|n| note(part * 10 + n, &format!("title {n}"), "apple garden 東京 word"))).unwrap();
        index.commit(part + 1).unwrap();
    }
    index.remove(&[id(0)]).unwrap();
    index.commit(3).unwrap();
    index.close();
    dir
}

fn copy(from: &Path) -> TempDir {
    let dir = TempDir::new().unwrap();
    for file in files(from) {
        fs::copy(from.join(&file), dir.path().join(&file)).unwrap();
    }
    dir
}

/// Opens a damaged copy and says whether it was made anew; if not, it must answer rightly.
fn survives(dir: &Path, what: &str) -> bool {
    let index = open(dir);
    if index.rebuilt().is_some() {
        assert_eq!((index.holds(), index.len()), (0, 0), "{what}");
        assert!(found(&index, "apple").is_empty(), "{what}");
        index.put([note(1, "again", "apple")]).unwrap();
        index.commit(1).unwrap();
        assert_eq!(found(&index, "apple"), ["again"], "{what}");
        return true;
    }
    index.verify().unwrap();
    assert_eq!((index.holds(), index.len()), (3, 7), "{what}");
    assert_eq!(found(&index, "garden apple 東京").len(), 7, "{what}");
    false
}

#[test]
fn any_file_cut_emptied_or_gone_is_survived() {
    let sample = sample();
    assert!(!survives(copy(sample.path()).path(), "untouched"));
    for file in files(sample.path()) {
        let whole = fs::read(sample.path().join(&file)).unwrap();
        let kept = if is_dispensable(&file) { [false; 4] } else { [true; 4] };
        let rebuilt = [Some(0), Some(whole.len() / 2), whole.len().checked_sub(1), None].map(|length| {
            let copy = copy(sample.path());
            let path = copy.path().join(&file);
            match length {
                Some(length) => fs::write(&path, &whole[..length]).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            survives(copy.path(), &format!("{} cut to {length:?}", file.display()))
        });
        assert_eq!(rebuilt, kept, "{}", file.display());
    }
}

#[test]
fn any_flipped_byte_is_survived() {
    let sample = sample();
    for file in files(sample.path()) {
        let whole = fs::read(sample.path().join(&file)).unwrap();
        let step = (whole.len() / 12).max(1);
        for at in (0..whole.len()).step_by(step) {
            let copy = copy(sample.path());
            let mut flipped = whole.clone();
            flipped[at] ^= 0x11;
            fs::write(copy.path().join(&file), flipped).unwrap();
            survives(copy.path(), &format!("{} flipped at {at}", file.display()));
        }
    }
}

#[test]
fn garbage_in_place_of_any_file_is_survived() {
    let sample = sample();
    for file in files(sample.path()) {
        for garbage in [b"{}".as_slice(), b"[]", b"null", b"\0\0\0\0\0\0\0\0\0\0\0\0", &[0xff; 300]] {
            let copy = copy(sample.path());
            fs::write(copy.path().join(&file), garbage).unwrap();
            survives(copy.path(), &file.display().to_string());
        }
    }
}

#[test]
fn a_file_that_settled_is_trusted_until_it_changes() {
    let sample = sample();
    let old = SystemTime::now() - Duration::from_secs(60);
    let age = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    for file in files(sample.path()) {
        age(&sample.path().join(file));
    }
    assert!(!survives(sample.path(), "settled"));
    let store =
        files(sample.path()).into_iter().find(|file| file.extension().is_some_and(|end| end == "store")).unwrap();
    let store = sample.path().join(store);
    let mut bytes = fs::read(&store).unwrap();
    bytes[3] ^= 0xff;
    // A disk that forgot a bit: nothing tells that from the file that was trusted, but its content.
    fs::write(&store, &bytes).unwrap();
    age(&store);
    let index = open(sample.path());
    assert_eq!(index.rebuilt(), None);
    assert!(matches!(index.verify(), Err(SearchError::Damaged { .. })));
    drop(index);
    let index = open(sample.path());
    assert!(index.rebuilt().is_some_and(|reason| reason.contains(".store")), "{:?}", index.rebuilt());
}

#[test]
fn a_bit_that_nobody_noticed_never_panics() {
    let sample = sample();
    let old = SystemTime::now() - Duration::from_secs(60);
    let age = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    for file in files(sample.path()) {
        age(&sample.path().join(file));
    }
    open(sample.path()).close();
    for file in files(sample.path()).into_iter().filter(|file| !is_dispensable(file)) {
        let whole = fs::read(sample.path().join(&file)).unwrap();
        for at in (0..whole.len()).step_by((whole.len() / 10).max(1)) {
            let copy = copy(sample.path());
            for file in files(copy.path()) {
                age(&copy.path().join(file));
            }
            let mut flipped = whole.clone();
            flipped[at] ^= 0x40;
            fs::write(copy.path().join(&file), flipped).unwrap();
            age(&copy.path().join(&file));
            let index = open(copy.path());
            let queries = ["apple", "\"apple garden\"", "gar", "a", "kind:note", "東"];
            let answers = queries.map(|query| index.search(&Query::parse(query).unwrap(), 10, None).is_ok());
            let sound = index.verify().is_ok();
            drop(index);
            // Whatever was noticed must lead to a new index.
            let again = open(copy.path());
            if !sound || answers.contains(&false) {
                assert!(again.rebuilt().is_some(), "{} flipped at {at}", file.display());
            }
        }
    }
}

/// What an index can lose without being made anew.
fn is_dispensable(file: &Path) -> bool {
    let name = file.to_string_lossy();
    name == "checked.json" || name.ends_with(".lock")
}
