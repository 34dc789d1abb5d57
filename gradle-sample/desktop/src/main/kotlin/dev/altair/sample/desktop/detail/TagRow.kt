package dev.altair.sample.desktop.detail

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.input.clearText
import androidx.compose.foundation.text.input.rememberTextFieldState
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.model.Entity
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.BareField
import dev.altair.sample.desktop.parts.onEnter
import dev.altair.sample.desktop.parts.pressable

/** An entity's tags, to take away and to add to. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
fun TagRow(entity: Entity) {
    val editor = LocalDesk.current.workspace.editor
    val field = rememberTextFieldState()
    FlowRow(
        horizontalArrangement = Arrangement.spacedBy(6.dp),
        verticalArrangement = Arrangement.spacedBy(6.dp),
        itemVerticalAlignment = Alignment.CenterVertically,
    ) {
        entity.tags.forEach { tag -> TagChip(tag) { editor.removeTag(tag) } }
        if (!entity.deleted) {
            BareField(
                field,
                "Add a tag",
                Modifier.testTag("tag").width(120.dp).padding(horizontal = 4.dp, vertical = 2.dp).onEnter {
                    if (field.text.isNotBlank()) editor.addTag(field.text.toString())
                    field.clearText()
                },
                placeholder = "Add a tag",
                style = Look.lettering.small,
            )
        }
    }
}

@Composable
private fun TagChip(tag: String, onRemove: () -> Unit) {
    val color = Look.palette.warn
    Row(
        Modifier.background(
            color.copy(alpha = 0.12f),
            RoundedCornerShape(6.dp),
        ).padding(start = 8.dp, end = 2.dp, top = 2.dp, bottom = 2.dp),
        horizontalArrangement = Arrangement.spacedBy(2.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Text("#$tag", style = Look.lettering.small, color = color, maxLines = 1)
        Icon(
            Icons.Close,
            null,
            Modifier.size(18.dp).pressable(onRemove, radius = 5.dp).padding(4.dp).semantics { contentDescription = "Remove the tag $tag" },
            tint = color,
        )
    }
}
