"""What the analyzer knows of libraries: which calls reach the network, files, programs, databases (names only, nothing imported)."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import re

__all__ = [
    "ARCHIVE_NAMES",
    "BENIGN_ENV",
    "CREDENTIAL_PATHS",
    "DB_OPEN",
    "DB_RUN",
    "FILE_ATTRS",
    "FILE_READ",
    "FILE_WRITE",
    "HTTP_VERBS",
    "NETWORK",
    "NETWORK_HOST",
    "PROGRAMS",
    "SECRETISH",
    "SHELL_STRINGS",
    "SOCKET_RECEIVE",
    "is_network",
    "looks_like_url",
]

HTTP_VERBS = r"(?:get|post|put|patch|delete|head|options|request|send|stream|fetch|del|ws_connect)"
NETWORK = re.compile(
    r"^(?:(?:requests|httpx|aiohttp|urllib3|axios|got|needle|superagent|undici|ky|treq|pycurl)\." + HTTP_VERBS + r"(?:Sync)?"
    r"|(?:requests\.[Ss]ession|httpx\.(?:Async)?Client|aiohttp\.ClientSession|urllib3\.PoolManager|axios\.create|got\.extend|aiohttp\.request"
    r"|tornado\.httpclient\.\w+|undici\.\w+)\(\)\." + HTTP_VERBS +
    r"|urllib\.request\.(?:urlopen|urlretrieve)|urllib2\.urlopen|urllib\.request\.build_opener\(\)\.open|urlopen"
    r"|fetch|axios|got|needle|node-fetch|node_fetch|cross-fetch|undici\.fetch|https?\.(?:get|request)|follow-redirects\.https?\.(?:get|request)"
    r"|websockets\.(?:sync\.client\.)?connect|websocket\.(?:create_connection|WebSocketApp)|WebSocket|ws|EventSource|navigator\.sendBeacon"
    r"|XMLHttpRequest\(\)\.(?:open|send)|http\.client\.HTTPS?Connection\(\)\.request)$"
)  # fmt: skip
NETWORK_HOST = re.compile(
    r"^(?:http\.client\.HTTPS?Connection|smtplib\.SMTP(?:_SSL)?|ftplib\.FTP(?:_TLS)?|telnetlib\.Telnet|imaplib\.IMAP4(?:_SSL)?|poplib\.POP3(?:_SSL)?"
    r"|socket\.create_connection|socket\.socket\(\)\.(?:connect|connect_ex|sendto)|asyncio\.open_connection|paramiko\.SSHClient\(\)\.connect"
    r"|net\.(?:connect|createConnection|Socket\(\)\.connect)|tls\.connect|dgram\.createSocket\(\)\.send|ssl\.SSLContext\(\)\.wrap_socket\(\)\.connect"
    r"|ssl\.wrap_socket\(\)\.connect|ssl\.create_default_context\(\)\.wrap_socket\(\)\.connect)$"
)
SOCKET_RECEIVE = re.compile(
    r"socket\.(?:socket\(\)(?:\.accept\(\)(?:\[\])?)?|create_connection\(\))\.(?:recv|recvfrom|recv_into|makefile)$|asyncio\.open_connection\(\)(?:\[\])?\.read\w*$"
)
SOCKET_SEND = re.compile(
    r"(?:socket|SSLContext|wrap_socket|create_connection|connect|createConnection|Socket|WebSocket|websocket)\w*\(\)(?:\.\w+\(\))*\.(?:send|sendall|write|end|sendto)$"
)
SHELL_STRINGS = re.compile(
    r"^(?:os\.(?:system|popen)|subprocess\.(?:getoutput|getstatusoutput)|commands\.(?:getoutput|getstatusoutput)|asyncio\.create_subprocess_shell"
    r"|asyncio\.subprocess\.create_subprocess_shell|popen2\.popen\d|child_process\.(?:exec|execSync)|shelljs\.exec|execa\.(?:command|execaCommand)\w*|execSync"
    r"|paramiko\.SSHClient\(\)\.exec_command|fabric\.Connection\(\)\.run|invoke\.run|Deno\.run|pexpect\.run|pty\.spawn|platform\.popen)$"
)
PROGRAMS = re.compile(
    r"^(?:subprocess\.(?:run|call|check_call|check_output|Popen)|asyncio\.(?:subprocess\.)?create_subprocess_exec|os\.(?:exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?)"
    r"|child_process\.(?:spawn|spawnSync|execFile|execFileSync|fork)|execa(?:\.execa|Sync)?|cross-spawn|anyio\.run_process|sh\.Command|pexpect\.spawn|Bun\.spawn)$"
)
FILE_READ = re.compile(
    r"^(?:open|io\.open|codecs\.open|aiofiles\.open|os\.open|linecache\.getlines|pathlib\.Path\(\)\.(?:read_text|read_bytes|open)|fs\.(?:promises\.)?"
    r"(?:readFile|readFileSync|createReadStream|open|openSync|read)|configparser\.ConfigParser\(\)\.read|dotenv\.(?:load_dotenv|dotenv_values)"
    r"|fs-extra\.(?:readFile|readJson|readFileSync|readJsonSync)|Deno\.readTextFile|pandas\.read_(?:csv|json|excel|parquet)|np\.load|numpy\.load(?:txt)?|Bun\.file"
    r"|anyio\.Path\(\)\.(?:read_text|read_bytes)|json5\.load|PIL\.Image\.open|netrc\.netrc|mmap\.mmap)$"
)
FILE_WRITE = re.compile(
    r"^(?:pathlib\.Path\(\)\.(?:write_text|write_bytes|touch|mkdir|unlink|rmdir|rename|replace|chmod|symlink_to|hardlink_to)|os\.(?:remove|unlink|rmdir|removedirs"
    r"|rename|replace|renames|makedirs|mkdir|chmod|chown|symlink|link|truncate)|shutil\.(?:rmtree|move|copy|copy2|copyfile|copytree|make_archive|unpack_archive|chown)"
    r"|fs\.(?:promises\.)?(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|unlink|unlinkSync|rm|rmSync|rmdir|rmdirSync|mkdir|mkdirSync"
    r"|rename|renameSync|chmod|chmodSync|copyFile|copyFileSync|symlink|symlinkSync|truncate)|fs-extra\.(?:remove|removeSync|outputFile|writeJson|copy|move|ensureDir)|rimraf(?:\.\w+)?"
    r"|tarfile\.open\(\)\.(?:extractall|extract)|zipfile\.ZipFile\(\)\.(?:extractall|extract)|Deno\.writeTextFile|urllib\.request\.urlretrieve|tempfile\.\w+)$"
)
FILE_ATTRS = re.compile(
    r"^(?:pathlib\.Path\(\)\.(?:exists|is_file|is_dir|iterdir|glob|rglob|stat|walk)|os\.(?:listdir|walk|scandir|stat|access)|os\.path\.(?:exists|isfile|isdir|getsize|getmtime)"
    r"|glob\.i?glob|fs\.(?:promises\.)?(?:readdir|readdirSync|existsSync|stat|statSync|access|accessSync|lstatSync))$"
)
DB_OPEN = re.compile(
    r"^(?:sqlite3\.connect|aiosqlite\.connect|psycopg2?\.connect|psycopg\.AsyncConnection\.connect|asyncpg\.(?:connect|create_pool)|(?:py)?mysql(?:\.connector)?\.(?:connect|createConnection|createPool)"
    r"|mysql2?(?:/promise|\.promise)?\.(?:createConnection|createPool)|MySQLdb\.connect|sqlalchemy\.create_engine|pg\.(?:Client|Pool)|better-sqlite3|sqlite3\.Database|duckdb\.connect|cx_Oracle\.connect|oracledb\.connect"
    r"|pymongo\.MongoClient|redis\.(?:Redis|StrictRedis|from_url))$"
)
DB_RUN = re.compile(
    r"\.(?:execute|executemany|executescript|query|exec|raw|prepare|run|all|fetch|fetchrow|fetchval|each|read_sql|read_sql_query|\$queryRawUnsafe|\$executeRawUnsafe|mogrify)$"
)
ARCHIVE_NAMES = re.compile(
    r"(?:ZipFile|tarfile\.open|TarFile(?:\.open)?|yauzl\.\w+|unzipper\.\w+|AdmZip|adm-zip|tar)\(\)\.(?:namelist|infolist|getmembers|getnames|getEntries|members)$"
)
CREDENTIAL_PATHS = re.compile(
    r"(?:\.ssh(?:/|\\|$)|id_rsa|id_ed25519|id_ecdsa|id_dsa|\.aws(?:/|\\|$)|\.azure/|gcloud/(?:credentials|application_default|access_tokens|legacy)|application_default_credentials"
    r"|\.netrc|\.git-credentials|\.docker/config\.json|\.kube/config|\.npmrc|\.pypirc|\.gnupg|\.config/gh/hosts|\.vault-token|\.terraform\.d/credentials"
    r"|Login Data|Local State|Cookies(?:\.sqlite|$)|cookies\.sqlite|key[34]\.db|logins\.json|User Data/|Firefox/Profiles|\.mozilla/firefox|google-chrome|BraveSoftware"
    r"|Keychains?(?:/|$)|login\.keychain|\.password-store|keyrings/|wallet\.dat|\.electrum|\.bitcoin|\.ethereum|Exodus/|etc/shadow|etc/gshadow|etc/sudoers"
    r"|claude_desktop_config\.json|\.cursor/mcp\.json|mcp_config\.json|mcp\.json$|\.claude(?:\.json|/)|\.codeium/|\.config/goose|\.continue/config|\.bash_history|\.zsh_history|\.psql_history"
    r"|proc/self/environ|proc/\d+/environ|proc/1/environ|serviceaccount/token|(?:^|[/\\\x00\x01])\.env(?:\.\w+)?$|credentials\.json$|secrets?\.(?:json|ya?ml|toml)$|\.my\.cnf|\.pgpass|Telegram Desktop/tdata|discord/Local Storage)",
)  # fmt: skip
SECRETISH = re.compile(
    r"KEY|TOKEN|SECRET|PASS(?:WORD|WD|PHRASE)?|CREDENTIAL|(?:^|_)AUTH|COOKIE|SESSION|DSN|DATABASE_URL|PRIVATE|(?:^|_)PAT$|WEBHOOK",
    re.IGNORECASE,
)
BENIGN_ENV = frozenset({"HOME", "PATH", "LANG", "TZ", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TEMP", "TMP", "PWD", "NODE_ENV", "DEBUG", "PORT", "HOST", "LOG_LEVEL", "CI", "USERPROFILE", "APPDATA", "LOCALAPPDATA"})  # fmt: skip


def looks_like_url(shape: str) -> bool:
    """Whether the outline of a string is an absolute URL."""
    return bool(re.match(r"(?:https?|wss?|ftp)://", shape, re.IGNORECASE))


def is_network(ref: str, first_shape: str) -> bool:
    """Whether a call sends a request: a known library, or an HTTP verb with a URL in hand."""
    if NETWORK.match(ref):
        return True
    return bool(re.search(r"\." + HTTP_VERBS + "$", ref)) and looks_like_url(first_shape)
