package dev.altair.sample.desktop

import androidx.compose.ui.focus.FocusManager
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.input.key.KeyEvent
import androidx.compose.ui.input.key.KeyEventType
import androidx.compose.ui.input.key.isAltPressed
import androidx.compose.ui.input.key.isCtrlPressed
import androidx.compose.ui.input.key.isMetaPressed
import androidx.compose.ui.input.key.isShiftPressed
import androidx.compose.ui.input.key.key
import androidx.compose.ui.input.key.type
import dev.altair.sample.Section

private val isMac = System.getProperty("os.name").startsWith("Mac")

/** A key together with the one that commands have on this system. */
fun keyName(key: String): String = if (isMac) "⌘$key" else "Ctrl-$key"

/** Whether this is the character that comes after a command's key, as the 3 after Ctrl-3. With Alt it may be a letter of some keyboards. */
private val KeyEvent.isCommandTyped: Boolean
    get() = type == KeyEventType.Unknown && (isCtrlPressed || isMetaPressed) && !isAltPressed

/** The keys that work everywhere in the window. */
class Shortcuts(private val desk: Desk, private val focus: FocusManager) {
    private val workspace = desk.workspace

    /** Does what a key asks for; false when it asks for nothing here. */
    fun press(event: KeyEvent): Boolean {
        if (event.isCommandTyped) return true
        if (event.type != KeyEventType.KeyDown) return false
        val act = when {
            event.isCtrlPressed || event.isMetaPressed -> command(event)
            event.isAltPressed && event.key == Key.DirectionLeft -> {
                { workspace.navigation.back() }
            }
            event.key == Key.Escape -> ::leave
            else -> null
        }
        act?.invoke()
        return act != null
    }

    private fun command(event: KeyEvent): (() -> Unit)? = when (event.key) {
        Key.K -> ::toggleSearch
        Key.Spacebar, Key.N -> ::toCapture
        Key.Z -> if (desk.textFocus.isEditing) null else takeBack(again = event.isShiftPressed)
        Key.Y -> if (desk.textFocus.isEditing) null else takeBack(again = true)
        else -> SECTION_KEYS[event.key]?.let { section -> { workspace.navigation.go(section) } }
    }

    private fun takeBack(again: Boolean): () -> Unit = { if (again) workspace.undo.redo() else workspace.undo.undo() }

    private fun toggleSearch() {
        if (workspace.search.state.value.open) workspace.search.close() else workspace.search.open()
    }

    private fun toCapture() {
        workspace.search.close()
        desk.captureFocus.tryFocus()
    }

    /** Leaves the innermost thing: a question, the search, a text, the history, what is open. */
    private fun leave() {
        when {
            workspace.trash.confirming.value != null -> workspace.trash.keep()
            workspace.search.state.value.open -> workspace.search.close()
            desk.textFocus.isFocused -> {
                focus.clearFocus(force = true)
                desk.listFocus.tryFocus()
            }
            workspace.history.entity.value != null -> workspace.history.hide()
            workspace.navigation.place.value.open != null -> workspace.navigation.leave()
            workspace.statements.current.value != null -> workspace.statements.dismiss()
        }
    }

    private companion object {
        val SECTION_KEYS = listOf(Key.One, Key.Two, Key.Three, Key.Four, Key.Five, Key.Six, Key.Seven).zip(Section.entries).toMap()
    }
}
