package dev.altair.benchmark

import org.openjdk.jmh.annotations.Benchmark
import org.openjdk.jmh.annotations.BenchmarkMode
import org.openjdk.jmh.annotations.Mode
import org.openjdk.jmh.annotations.OutputTimeUnit
import org.openjdk.jmh.annotations.Scope
import org.openjdk.jmh.annotations.Setup
import org.openjdk.jmh.annotations.State
import org.openjdk.jmh.annotations.TearDown
import org.openjdk.jmh.infra.Blackhole
import java.sql.Connection
import java.sql.DriverManager
import java.sql.PreparedStatement
import java.sql.ResultSet
import java.util.UUID
import java.util.concurrent.TimeUnit

/**
 * SQLite doing the same as durably: a write-ahead log that is brought to disk with every commit. It keeps rows and nothing else: no history, no
 * merging, no links.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
open class Sqlite {
    private lateinit var scratch: Scratch
    private lateinit var connection: Connection
    private lateinit var getting: PreparedStatement
    private lateinit var listing: PreparedStatement
    private lateinit var capturing: PreparedStatement
    private lateinit var searching: PreparedStatement
    private lateinit var note: String

    @Setup
    fun open() {
        scratch = Scratch()
        connection = DriverManager.getConnection("jdbc:sqlite:${scratch.folder.resolve("notes.db")}")
        connection.createStatement().use {
            it.execute("PRAGMA journal_mode = WAL")
            it.execute("PRAGMA synchronous = FULL")
            it.execute("CREATE TABLE note (id TEXT PRIMARY KEY, title TEXT, body TEXT, created_at INTEGER) WITHOUT ROWID")
            it.execute("CREATE INDEX newest ON note (created_at)")
            it.execute("CREATE TABLE capture (id TEXT PRIMARY KEY, text TEXT, source TEXT, captured_at INTEGER) WITHOUT ROWID")
            it.execute("CREATE VIRTUAL TABLE found USING fts5(id UNINDEXED, title, body, tokenize = 'porter unicode61')")
        }
        connection.autoCommit = false
        connection.prepareStatement("INSERT INTO note VALUES (?, ?, ?, ?)").use { notes ->
            connection.prepareStatement("INSERT INTO found VALUES (?, ?, ?)").use { found ->
                for ((n, sample) in Sample.notes().withIndex()) {
                    note = UUID.randomUUID().toString()
                    notes.fill(note, sample.first, sample.second, n.toLong())
                    found.fill(note, sample.first, sample.second)
                }
            }
        }
        connection.commit()
        connection.autoCommit = true
        getting = connection.prepareStatement("SELECT id, title, body, created_at FROM note WHERE id = ?")
        listing = connection.prepareStatement("SELECT id, title, body, created_at FROM note ORDER BY created_at DESC LIMIT 50")
        capturing = connection.prepareStatement("INSERT INTO capture VALUES (?, ?, ?, ?)")
        searching = connection.prepareStatement(
            "SELECT id, title, snippet(found, 2, '«', '»', '…', 24), bm25(found) FROM found WHERE found MATCH ? ORDER BY rank LIMIT 50",
        )
    }

    @TearDown
    fun close() {
        connection.close()
        scratch.close()
    }

    @Benchmark
    fun get(hole: Blackhole) {
        getting.setString(1, note)
        getting.executeQuery().use { read(it, hole) }
    }

    @Benchmark
    fun list(hole: Blackhole) = listing.executeQuery().use { read(it, hole) }

    @Benchmark
    fun capture() = capturing.fill(UUID.randomUUID().toString(), Sample.THOUGHT, "keyboard", System.currentTimeMillis())

    @Benchmark
    fun search(hole: Blackhole) {
        searching.setString(1, Sample.QUERY)
        searching.executeQuery().use { read(it, hole) }
    }

    private fun read(rows: ResultSet, hole: Blackhole) {
        while (rows.next()) {
            for (column in 1..3) hole.consume(rows.getString(column))
            hole.consume(rows.getDouble(4))
        }
    }

    private fun PreparedStatement.fill(vararg values: Any) {
        values.forEachIndexed { n, value -> setObject(n + 1, value) }
        executeUpdate()
    }
}
