package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.text.input.clearText
import androidx.compose.foundation.text.input.rememberTextFieldState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.unit.dp
import dev.altair.model.EntityId
import dev.altair.sample.Listed
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.detail.EntityPane
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.EmptyState
import dev.altair.sample.desktop.parts.FramedField
import dev.altair.sample.desktop.parts.ListHeader
import dev.altair.sample.desktop.parts.VerticalLine
import dev.altair.sample.grouped

/** A list on the left, and what is open in it on the right. */
@Composable
fun ListAndDetail(list: @Composable () -> Unit, detail: @Composable () -> Unit) {
    Row(Modifier.fillMaxSize()) {
        Column(Modifier.width(LIST_WIDTH).fillMaxHeight().background(Look.palette.paper)) { list() }
        VerticalLine()
        Box(Modifier.weight(1f).fillMaxHeight().background(Look.palette.paper)) { detail() }
    }
}

/** A list that has nothing in it, and so needs no room beside it. */
@Composable
fun EmptyList(title: String, icon: ImageVector, what: String, text: String, action: @Composable () -> Unit = {}) {
    Column(Modifier.fillMaxSize().background(Look.palette.paper)) {
        ListHeader(title, "")
        EmptyState(icon, what, text, action = action)
    }
}

/** What is open in this section; [empty] when nothing is. */
@Composable
fun OpenEntity(empty: @Composable () -> Unit) {
    val workspace = LocalDesk.current.workspace
    val editing by workspace.editor.state.collectAsState()
    val place by workspace.navigation.place.collectAsState()
    val open = editing
    when {
        place.open == null -> empty()
        open != null && open.id == place.open -> key(open.id) { EntityPane(open) }
    }
}

/** A field at the top of a list that makes something new of a name. */
@Composable
fun NewByName(placeholder: String, onCreate: (String) -> Unit) {
    val field = rememberTextFieldState()
    FramedField(
        field,
        placeholder,
        "new",
        Modifier.fillMaxWidth().padding(start = 16.dp, end = 16.dp, bottom = 8.dp),
        placeholder,
        onEnter = {
            if (field.text.isNotBlank()) onCreate(field.text.toString())
            field.clearText()
        },
    )
}

/** How many there are, as far as that has been read. */
fun Listed<*>.count(): String = if (!known) "" else things.size.toLong().grouped() + if (more) "+" else ""

/** The id that is selected in a list. */
@Composable
fun selectedId(): EntityId? {
    val place by LocalDesk.current.workspace.navigation.place.collectAsState()
    return place.open
}

private val LIST_WIDTH = 312.dp
