CREATE TABLE repositories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE manifests (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT NOT NULL,
    subject TEXT,
    annotations BLOB NOT NULL,
    pushed_ns INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (repository, digest)
);
CREATE INDEX manifests_by_subject ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;
CREATE TABLE tags (
    repository INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    pushed_ns INTEGER NOT NULL,
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX tags_by_digest ON tags (repository, digest);
CREATE TABLE links (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    linked_ns INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX links_by_digest ON links (digest);
CREATE TABLE needs (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    manifest INTEGER NOT NULL,
    PRIMARY KEY (repository, digest, manifest)
) WITHOUT ROWID;
CREATE INDEX needs_by_manifest ON needs (manifest);
PRAGMA user_version = 1;
