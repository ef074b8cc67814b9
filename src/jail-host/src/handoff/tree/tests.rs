use super::*;

#[test]
fn where_more_counts_than_is_kept_that_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = std::fs::File::open(folder.path()).expect("it is there");
    let place = Place::new(opened.into(), folder.path().as_os_str().as_encoded_bytes().to_vec());
    let (names, known) = (Names::new(), Known::default());
    let (queue, found) = (Vec::new(), Vec::new());
    let mut walk = Walk {
        place: &place,
        names: &names,
        known: &known,
        since: None,
        found,
        queue,
        count: 0,
        jumps: 0,
    };
    let job = Job::default();
    for number in 0..=FOUND_MAX {
        let part = Part::whole(b"x");
        walk.add(
            &job,
            number.to_string().into(),
            names.found("executable"),
            Stamp::default(),
            part,
        );
    }
    // What is seen of the project itself does not stand for it.
    walk.found.truncate(FOUND_MAX - 1);
    walk.add(&job, Vec::new(), names.found("bare-repository"), Stamp::default(), Part::whole(b"y"));
    let kinds: Vec<_> = walk.finish().into_iter().map(|seen| seen.counted.kind).collect();
    assert_eq!(kinds.len(), FOUND_MAX + 1);
    assert!(kinds.contains(&"unseen") && kinds.contains(&"bare-repository"));
}
