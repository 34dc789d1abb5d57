package dev.altair.core

import dev.altair.core.ffi.Listing
import dev.altair.core.ffi.Progress
import dev.altair.core.ffi.ProgressListener
import dev.altair.core.ffi.Source
import dev.altair.core.ffi.Store
import dev.altair.core.ffi.WatchListener
import dev.altair.core.ffi.Watched
import dev.altair.core.ffi.subscriptions
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.withTimeout
import java.nio.file.Path
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.io.path.createDirectory
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import dev.altair.core.ffi.OpenOptions as FfiOptions

/** What listeners of the library itself may do to it, below what the façade's flows let them do. */
class ListenersTest {
    private fun withNative(test: suspend CoroutineScope.(Store, Path) -> Unit) = withFolder { folder ->
        val store = dev.altair.core.ffi.open(folder.resolve("store").toString(), FfiOptions(0, 8L shl 20, false))
        try {
            test(store, folder)
        } finally {
            withTimeout(20.seconds) { store.shutdown() }
            store.destroy()
        }
    }

    private open class Counting : WatchListener {
        val called = AtomicInteger()

        override suspend fun onWatched(watched: Watched) {
            called.incrementAndGet()
        }

        override suspend fun onEnd() {}
    }

    private suspend fun Store.works() {
        capture("still here", Source.API)
        assertTrue(list(Listing.Inbox, 10, null).items.isNotEmpty())
    }

    @Test
    fun `a listener that throws is not called again and the store goes on`() = withNative { store, _ ->
        for (thrown in listOf(IllegalStateException("mine"), java.io.IOException("mine"))) {
            val listener = object : Counting() {
                override suspend fun onWatched(watched: Watched) {
                    super.onWatched(watched)
                    throw thrown
                }
            }
            store.watch(null, listener).use {
                eventually("its subscription has ended") { subscriptions() == 0L }
                store.works()
            }
            assertEquals(1, listener.called.get())
        }
    }

    @Test
    fun `a listener that waits for ever holds up neither writers nor closing`() = withNative { store, _ ->
        val listener = object : Counting() {
            override suspend fun onWatched(watched: Watched) {
                super.onWatched(watched)
                awaitCancellation()
            }
        }
        val subscription = store.watch(null, listener)
        eventually("it is called") { listener.called.get() == 1 }
        repeat(50) { store.works() }
        assertEquals(1, listener.called.get())
        withTimeout(20.seconds) { store.shutdown() }
        subscription.stop()
        eventually("its subscription has ended") { subscriptions() == 0L }
        subscription.destroy()
    }

    @Test
    fun `a listener that blocks its thread for ever holds up neither writers nor closing`() = withNative { store, folder ->
        val release = CountDownLatch(1)
        val listener = object : Counting() {
            override suspend fun onWatched(watched: Watched) {
                super.onWatched(watched)
                release.await()
            }
        }
        try {
            val other = dev.altair.core.ffi.open(folder.resolve("other").toString(), FfiOptions(0, 8L shl 20, false))
            val subscription = other.watch(null, listener)
            eventually("it is called") { listener.called.get() == 1 }
            repeat(50) { other.works() }
            withTimeout(20.seconds) { other.shutdown() }
            other.destroy()
            store.works()
            subscription.stop()
            eventually("its subscription has ended") { subscriptions() == 0L }
            subscription.destroy()
        } finally {
            release.countDown()
        }
    }

    @Test
    fun `a listener that throws when the store ends changes nothing`() = withFolder { folder ->
        val store = dev.altair.core.ffi.open(folder.resolve("store").toString(), FfiOptions(0, 8L shl 20, false))
        val ended = CompletableDeferred<Unit>()
        val listener = object : Counting() {
            override suspend fun onEnd() {
                ended.complete(Unit)
                error("mine")
            }
        }
        store.watch(null, listener)
        store.shutdown()
        withTimeout(20.seconds) { ended.await() }
        store.destroy()
        eventually("its subscription has ended") { subscriptions() == 0L }
    }

    @Test
    fun `a subscription ends when it is stopped, and when nobody holds it any more`() = withNative { store, _ ->
        val stopped = store.watch(null, Counting())
        val dropped = store.watch(null, Counting())
        assertEquals(2, subscriptions())
        stopped.stop()
        stopped.stop()
        eventually("one has ended") { subscriptions() == 1L }
        dropped.destroy()
        eventually("both have ended") { subscriptions() == 0L }
        stopped.destroy()
    }

    @Test
    fun `a listener of progress that throws or never returns does not hold up the import`() = withNative { store, folder ->
        val vault = folder.resolve("vault").createDirectory()
        repeat(20) { vault.write("note $it.md" to "text $it") }
        val throwing = object : ProgressListener {
            override suspend fun onProgress(progress: Progress) = error("mine")
        }
        assertEquals(20, store.importVault(vault.toString(), throwing).notes)
        val waiting = object : ProgressListener {
            override suspend fun onProgress(progress: Progress) = awaitCancellation()
        }
        assertEquals(20, withTimeout(20.seconds) { store.importVault(vault.toString(), waiting) }.unchanged)
        val release = CountDownLatch(1)
        try {
            val blocking = object : ProgressListener {
                override suspend fun onProgress(progress: Progress) = release.await()
            }
            assertEquals(20, withTimeout(20.seconds) { store.importVault(vault.toString(), blocking) }.unchanged)
        } finally {
            release.countDown()
        }
        store.works()
    }
}
