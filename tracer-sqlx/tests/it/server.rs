//! Database servers for the length of the test run.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{ChildStdin, Command, Stdio};

/// A server that runs as long as this lives, at most as long as this process.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The server's keeper stops it when this pipe closes, also when the process is killed.
    _alive: ChildStdin,
}

/// Starts a server by a bash script, which gets the directory it may use as `$dir` and the port as `$port`. The script must
/// `exec` the server in a function `serve`, and succeed in a function `ready` once it answers; `$signal` stops it.
///
/// # Panics
/// When the server cannot be had, with what it said.
pub(crate) fn start(name: &str, script: &str) -> Server {
    // Between asking for a free port and its use another process may take it.
    let mut said = String::new();
    for _ in 0..3 {
        match try_start(script) {
            Ok(server) => return server,
            Err(error) => said = error,
        }
    }
    panic!(
        "{name} could not be started; `ci/databases` installs what is missing. It said:\n{said}"
    );
}

fn try_start(script: &str) -> Result<Server, String> {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| error.to_string())?
        .port();
    let mut keeper = Command::new("bash")
        .args(["-c", &format!("port={port}\n{script}\n{KEEPER}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("bash: {error}"))?;
    let alive = keeper.stdin.take().expect("piped");
    let mut output = BufReader::new(keeper.stdout.take().expect("piped"));
    let mut line = String::new();
    output
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    if line.trim() == "ready" {
        // The keeper ends by itself, after this process: nobody waits for it.
        return Ok(Server {
            port,
            _alive: alive,
        });
    }
    let _ = output.read_to_string(&mut line);
    let _ = keeper.wait();
    Err(line)
}

/// Runs `serve`, says `ready` when `ready` succeeds, and stops all of it when standard input closes.
const KEEPER: &str = r#"
# Of its own, so that a Ctrl-C meant for the tests does not reach it before it has cleaned up.
trap '' INT
dir=$(mktemp -d "${TMPDIR:-/tmp}/tracer-sqlx.XXXXXX" 2>&1) || { echo "$dir"; exit 1; }
chmod 755 "$dir"
serve > "$dir.log" 2>&1 < /dev/null &
server=$!
finish() {
    kill -"${signal:-TERM}" $server 2> /dev/null
    wait $server 2> /dev/null
    rm -rf "$dir" "$dir.log"
}
for _ in $(seq 300); do
    if ready > /dev/null 2>&1 < /dev/null; then
        echo ready
        exec 1>&-
        cat > /dev/null
        finish
        exit 0
    fi
    kill -0 $server 2> /dev/null || break
    sleep 0.1
done
tail -n 20 "$dir.log"
finish
exit 1
"#;
