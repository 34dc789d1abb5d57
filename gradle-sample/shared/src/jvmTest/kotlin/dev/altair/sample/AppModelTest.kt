package dev.altair.sample

import dev.altair.core.Altair
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.file.Files
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertTrue

@OptIn(ExperimentalCoroutinesApi::class)
class AppModelTest {
    private val thread = Dispatchers.Default.limitedParallelism(1)

    @Test
    fun a_store_is_opened_and_closed() = runBlocking {
        val directory = Files.createTempDirectory("altair-app").toFile()
        var opened: Altair? = null
        val model = AppModel(directory.path, thread) { Altair.open(it).also { altair -> opened = altair } }
        val workspace = assertIs<AppState.Open>(model.state.await { it is AppState.Open }).workspace
        assertTrue(workspace.inbox.capture("Kept"))
        model.close()
        assertEquals(AppState.Closed, model.state.value)
        assertTrue(opened!!.isClosed)
        val again = Altair.open(directory.path)
        assertEquals("Kept", again.inbox.list().items.single().text)
        again.close()
        directory.deleteRecursively()
        Unit
    }

    @Test
    fun what_was_just_typed_is_stored_before_closing() = runBlocking {
        val directory = Files.createTempDirectory("altair-app").toFile()
        val altair = Altair.open(directory.path)
        val note = altair.notes.create("Figs")
        val model = AppModel(directory.path, thread) { altair }
        val workspace = assertIs<AppState.Open>(model.state.await { it is AppState.Open }).workspace
        workspace.navigation.open(Section.Notes, note.id)
        workspace.editor.state.await { it != null }
        workspace.editor.typeBody(note.id, 0, "Last words", Selection(10))
        model.close()
        val again = Altair.open(directory.path)
        assertEquals("Last words", again.notes.get(note.id).body)
        again.close()
        directory.deleteRecursively()
        Unit
    }

    @Test
    fun what_can_not_be_stored_holds_closing_up_once() = runBlocking {
        val directory = Files.createTempDirectory("altair-app").toFile()
        val altair = Altair.open(directory.path)
        val note = altair.notes.create("Figs")
        val model = AppModel(directory.path, thread) { altair }
        val workspace = assertIs<AppState.Open>(model.state.await { it is AppState.Open }).workspace
        workspace.navigation.open(Section.Notes, note.id)
        altair.entities.delete(note.id)
        workspace.editor.state.await { it?.entity?.deleted == true }
        workspace.editor.typeBody(note.id, 0, "Last words", Selection(10))
        assertFalse(model.close())
        assertIs<AppState.Open>(model.state.value)
        assertEquals(Statement.Tone.Trouble, workspace.statements.current.value?.tone)
        assertTrue(model.close())
        val again = Altair.open(directory.path)
        assertEquals("Last words", again.inbox.list().items.single().text)
        again.close()
        directory.deleteRecursively()
        Unit
    }

    @Test
    fun what_can_not_be_opened_can_be_tried_again() = runBlocking {
        val directory = Files.createTempDirectory("altair-app").toFile()
        val blocked = File(directory, "store").apply { writeText("a file where a folder should be") }
        val model = AppModel(blocked.path, thread)
        val failed = assertIs<AppState.Failed>(model.state.await { it is AppState.Failed })
        assertTrue(failed.cause.hint.isNotBlank())
        blocked.delete()
        model.retry()
        model.state.await { it is AppState.Open }
        model.close()
        directory.deleteRecursively()
        Unit
    }
}
