//! Jobs of several requests that Qualtrics rejects.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;

use super::{Jobs, VERIFY, addresses, brand, codes, person, persons};
use crate::contract::{Identifier, Remedy, Request};
use crate::privacy::connector::Connector;
use crate::qualtrics::tests::{World, request};

#[test]
fn a_rejection_that_does_not_depend_on_a_request_is_returned_for_all() {
    let jobs = Jobs::default();
    let tried = Rc::new(RefCell::new(0));
    let count = Rc::clone(&tried);
    let rejects = move |_: &[&str]| {
        *count.borrow_mut() += 1;
        Some((400, "QVAL_1"))
    };
    let mut world = World::new(brand(jobs, json!({}), rejects));
    let results = world.connector.delete(persons(&["a", "b", "c", "d", "e"]), VERIFY);
    assert_eq!(codes(&results), ["ErrorKind::UnexpectedResponse QVAL_1"; 5]);
    assert_eq!(*tried.borrow(), 3, "the group, and two requests alone");
}

#[test]
fn one_request_that_qualtrics_rejects_does_not_keep_the_others_from_being_started() {
    for (bad, names) in [("d", ["a", "b", "c", "d", "e", "f", "g"]), ("a", ["a", "b", "c", "d", "e", "f", "g"])] {
        let jobs = Jobs::default();
        let address = format!("{bad}@x.org");
        let rejects = move |emails: &[&str]| emails.contains(&address.as_str()).then_some((422, "QVAL_2"));
        let mut world = World::new(brand(jobs.clone(), json!({}), rejects));
        let results = world.connector.delete(persons(&names), VERIFY);
        let by_name = names.iter().zip(codes(&results));
        for (name, code) in by_name {
            assert_eq!(code.starts_with("OP-"), *name != bad, "{name}: {code}");
        }
        let mut erased: Vec<String> = jobs.erasures().concat();
        erased.sort();
        let expected: Vec<&str> = names.into_iter().filter(|name| *name != bad).collect();
        assert_eq!(erased, addresses(&expected), "each once");
    }
}

#[test]
fn narrowing_ends_after_eight_submissions_and_continues_with_the_next_call() {
    let jobs = Jobs::default();
    let tried = Rc::new(RefCell::new(0));
    let count = Rc::clone(&tried);
    // Jobs of more than two addresses are too large.
    let rejects = move |emails: &[&str]| {
        *count.borrow_mut() += 1;
        (emails.len() > 2).then_some((413, "QVAL_3"))
    };
    let mut world = World::new(brand(jobs.clone(), json!({}), rejects));
    let names: Vec<String> = (10..60).map(|n| format!("p{n}")).collect();
    let mut open: Vec<Request> = names.iter().map(|name| person(name)).collect();
    let mut calls = 0;
    while !open.is_empty() {
        *tried.borrow_mut() = 0;
        let results = world.connector.delete(open.clone(), VERIFY);
        assert!(*tried.borrow() <= 9, "the group, and eight to narrow it");
        let codes = codes(&results);
        assert!(
            codes.iter().all(|code| code == "narrowing" || code == "later" || code.starts_with("OP-")),
            "{codes:?}"
        );
        assert!(codes.iter().any(|code| code.starts_with("OP-")), "progress");
        let left = open.into_iter().zip(results).filter(|(_, result)| result.is_err());
        open = left
            .map(|(request, result)| {
                assert!(matches!(result.expect_err("an error").remedy, Remedy::Retry(1_000..)));
                request
            })
            .collect();
        world.now_ms.set(world.now_ms.get() + 60_000);
        calls += 1;
        assert!(calls < 30);
    }
    let mut erased = jobs.erasures().concat();
    erased.sort();
    assert_eq!(erased, addresses(&names.iter().map(String::as_str).collect::<Vec<_>>()), "each once");
}

#[test]
fn a_part_that_is_submitted_again_in_ascii_counts_as_two_submissions() {
    let tried = Rc::new(RefCell::new(0));
    let count = Rc::clone(&tried);
    let rejects = move |emails: &[&str]| {
        *count.borrow_mut() += 1;
        (emails.len() > 2).then_some((400, "QVAL_1"))
    };
    let mut world = World::new(brand(Jobs::default(), json!({}), rejects));
    let address = |n: usize| vec![Identifier::Email(format!("p{n}@m\u{fc}nchen.example"))];
    let requests: Vec<Request> = (0..20).map(|n| request(&format!("r{n}"), address(n))).collect();
    world.connector.delete(requests, VERIFY);
    assert!(*tried.borrow() <= 10, "the group in both ways, and eight to narrow it: {}", tried.borrow());
}
