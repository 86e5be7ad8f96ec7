# PostgreSQL for a test run: the functions that `server.rs` asks for.
PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -n 1)
# The server refuses to run as root.
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --init-groups)
signal=QUIT
serve() {
    mkdir "$dir/data" && cd "$dir/data" || exit 1
    [ "$(id -u)" != 0 ] || chown postgres "$dir/data" || exit 1
    "${as[@]}" initdb -D "$dir/data" -U postgres --auth=trust --no-sync --no-instructions || exit 1
    exec "${as[@]}" postgres -D "$dir/data" -p "$port" -k "$dir/data" \
        -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200
}
ready() { pg_isready -h 127.0.0.1 -p "$port"; }
