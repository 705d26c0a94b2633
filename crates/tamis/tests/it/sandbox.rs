//! The jail in which dumps are read: complete on the machine of the tests, and demanded by
//! `--require-sandbox`.

use std::{os::unix::process::CommandExt, process::Command};

use crate::desk::{Desk, Said, mail};

#[test]
fn the_jail_is_complete_and_no_probe_gets_out() {
    let desk = Desk::new();
    let doctor = desk.ok(&["doctor", "--json"]).json();
    let jail = &doctor["sandbox"];
    assert_eq!(
        (&jail["complete"], &jail["seccomp"], &jail["rlimits"]),
        (&true.into(), &true.into(), &true.into())
    );
    assert!(jail["landlock_abi"].as_u64().unwrap() >= 1, "{doctor:#}");
    let told: Vec<_> = doctor["problems"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    assert!(!told.iter().any(|problem| problem.contains("jail")), "{told:#?}");
    let table = desk.ok(&["doctor"]).out;
    let probes = table.lines().find(|line| line.starts_with("probes")).unwrap();
    let numbers: Vec<u32> = probes.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(matches!(numbers[..], [attempts, stopped] if attempts == stopped && attempts >= 20), "{probes}");
}

#[test]
fn it_can_be_demanded() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    desk.open_with(&["dump", "--case", "case", "--require-sandbox"]);
    assert_eq!(desk.finds("case", "apple"), ["a.eml"]);
}

/// Makes a system call answer "not implemented", as an older kernel would.
fn without(command: &mut Command, call: libc::c_long) -> &mut Command {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        line(LOAD, 0, 0, 0),
        line(EQUAL, 0, 1, call as u32),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    // SAFETY: prctl is async-signal-safe, and the filter lives in the closure.
    unsafe {
        command.pre_exec(move || {
            let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
            let installed = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0;
            if installed { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        })
    }
}

#[test]
fn without_landlock_it_says_so_and_reads_unless_forbidden() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    let run = |args: &[&str]| {
        let mut command = desk.command(args);
        Said::of(without(&mut command, libc::SYS_landlock_create_ruleset).output().unwrap())
    };
    let doctor = run(&["doctor", "--json"]).exits(1).json();
    assert_eq!(
        (&doctor["sandbox"]["landlock_abi"], &doctor["sandbox"]["complete"]),
        (&0.into(), &false.into())
    );
    assert!(doctor["problems"].to_string().contains("Landlock"), "{doctor:#}");
    run(&["open", "dump", "--case", "case", "--no-desk", "--require-sandbox"])
        .fails(2, "cannot build the full jail");
    assert!(!desk.path("case").exists());
    run(&["open", "dump", "--case", "case", "--no-desk"]).exits(0);
    assert_eq!(desk.finds("case", "apple"), ["a.eml"]);
}

#[test]
fn without_a_filter_of_system_calls_nothing_is_read() {
    let desk = Desk::new();
    desk.write("dump/a.eml", mail("one", "apple"));
    let run = |args: &[&str]| {
        let mut command = desk.command(args);
        Said::of(without(&mut command, libc::SYS_seccomp).output().unwrap())
    };
    run(&["doctor", "--json"]).exits(1);
    for more in [["--no-desk"].as_slice(), &["--no-desk", "--require-sandbox"]] {
        let args: Vec<&str> = ["open", "dump", "--case", "case"].iter().chain(more).copied().collect();
        run(&args).fails(2, "jail");
    }
    // Elsewhere, the same command goes on.
    desk.open("dump", "case");
    assert_eq!(desk.finds("case", "apple"), ["a.eml"]);
    desk.holds("case");
}
