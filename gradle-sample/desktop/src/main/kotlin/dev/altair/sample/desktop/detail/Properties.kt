package dev.altair.sample.desktop.detail

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.foundation.text.input.setTextAndPlaceCursorAtEnd
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.model.Due
import dev.altair.model.EntityId
import dev.altair.model.Item
import dev.altair.model.Location
import dev.altair.model.Quantity
import dev.altair.model.Quest
import dev.altair.model.QuestStatus
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.LocalNow
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Choice
import dev.altair.sample.desktop.parts.Choices
import dev.altair.sample.desktop.parts.FramedField
import dev.altair.sample.desktop.parts.IconButton
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.orUntitled
import dev.altair.sample.word
import kotlinx.datetime.DatePeriod
import kotlinx.datetime.plus
import kotlinx.datetime.toLocalDateTime

/** How a quest stands, what it takes and when it is due. */
@Composable
fun QuestProperties(quest: Quest) {
    val quests = LocalDesk.current.workspace.quests
    Property("Status") {
        Choices(QuestStatus.entries.map { Choice(it, it.word) }, quest.status, { quests.setStatus(quest.id, it) }, tag = "status")
    }
    Property("Energy") {
        EnergyPicker(quest.energy) { quests.setEnergy(quest.id, it) }
    }
    Property("Due") {
        val now = LocalNow.current
        val today = now.instant.toLocalDateTime(now.zone).date
        ValueField(
            "Due",
            quest.due?.toString().orEmpty(),
            "2026-12-24",
            accept = { it.isBlank() || Due.parse(it) != null },
            onChange = { quests.setDue(quest.id, Due.parse(it)) },
            modifier = Modifier.width(136.dp),
        )
        quest.due?.let { Text(it.word(today, now.zone), style = Look.lettering.small, color = Look.palette.quiet) }
        Spacer(Modifier.width(4.dp))
        TextButton("Today", { quests.setDue(quest.id, Due.Day(today)) })
        TextButton("Tomorrow", { quests.setDue(quest.id, Due.Day(today.plus(DatePeriod(days = 1)))) })
    }
}

/** How much of an item there is, and where. */
@Composable
fun ItemProperties(item: Item) {
    val items = LocalDesk.current.workspace.items
    Property("Quantity") {
        IconButton(Icons.Minus, "One less", { items.count(item.id, -1) }, Modifier.testTag("less"), fill = Look.palette.hover)
        ValueField(
            "Quantity",
            item.quantity.toString(),
            "0",
            accept = { Quantity.parse(it) != null },
            onChange = { text -> Quantity.parse(text)?.let { items.setQuantity(item.id, it) } },
            modifier = Modifier.width(88.dp),
        )
        IconButton(Icons.Plus, "One more", { items.count(item.id, 1) }, Modifier.testTag("more"), fill = Look.palette.hover)
        ValueField("Unit", item.unit.orEmpty(), "Unit", { true }, { items.setUnit(item.id, it) }, Modifier.width(112.dp))
    }
    Property("Location") {
        LocationPicker(item.location, null) { items.setLocation(item.id, it) }
    }
}

/** What a location is inside of. */
@Composable
fun LocationProperties(location: Location) {
    val locations = LocalDesk.current.workspace.locations
    Property("Inside of") {
        LocationPicker(location.parent, location.id) { locations.setParent(location.id, it) }
    }
}

@Composable
private fun Property(name: String, content: @Composable RowScope.() -> Unit) {
    Row(
        Modifier.heightIn(min = 32.dp),
        horizontalArrangement = Arrangement.spacedBy(8.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Text(name, Modifier.width(72.dp), style = Look.lettering.small, color = Look.palette.quiet)
        content()
    }
}

/** Five steps of energy. Pressing the chosen one clears it. */
@Composable
private fun EnergyPicker(energy: Int?, onChoose: (Int?) -> Unit) {
    Row(horizontalArrangement = Arrangement.spacedBy(2.dp), verticalAlignment = Alignment.CenterVertically) {
        (1..MOST_ENERGY).forEach { step ->
            val filled = step <= (energy ?: 0)
            Box(
                Modifier
                    .size(28.dp)
                    .testTag("energy:$step")
                    .pressable({ onChoose(if (step == energy) null else step) })
                    .semantics {
                        contentDescription = "Energy $step of $MOST_ENERGY"
                        selected = step == energy
                    },
                contentAlignment = Alignment.Center,
            ) {
                Box(Modifier.size(12.dp).background(if (filled) Look.palette.warn else Look.palette.line, CircleShape))
            }
        }
    }
}

/** A value that is set with Enter, once it can be. It follows what others set as long as nobody types. */
@Composable
private fun ValueField(
    name: String,
    value: String,
    placeholder: String,
    accept: (String) -> Boolean,
    onChange: (String) -> Unit,
    modifier: Modifier = Modifier,
) {
    val field = remember { TextFieldState(value) }
    var shown by remember { mutableStateOf(value) }
    LaunchedEffect(value) {
        if (field.text.toString() == shown || field.text.toString() == value) field.setTextAndPlaceCursorAtEnd(value)
        shown = value
    }
    val wrong = !accept(field.text.toString())
    FramedField(
        field,
        name,
        name.lowercase(),
        modifier,
        placeholder,
        onEnter = {
            val text = field.text.toString()
            if (accept(text) && text != value) onChange(text)
        },
        wrong = wrong,
    )
    if (wrong) Text("Write it like $placeholder", style = Look.lettering.small, color = Look.palette.trouble)
}

/** Chooses one of the locations, or none. [except] can't be chosen. */
@Composable
private fun LocationPicker(chosen: EntityId?, except: EntityId?, onChoose: (EntityId?) -> Unit) {
    val model = LocalDesk.current.workspace.locations
    val locations by model.tree.collectAsState()
    val listed by model.locations.collectAsState()
    var open by remember { mutableStateOf(false) }
    val name = when {
        chosen == null -> "Nowhere"
        !listed.known -> "…"
        else -> listed.things.firstOrNull { it.id == chosen }?.title?.orUntitled() ?: "A deleted location"
    }
    Box {
        TextButton(name, { open = true }, Modifier.testTag("location"), icon = Icons.Location)
        DropdownMenu(open, { open = false }, containerColor = Look.palette.raised) {
            fun choose(id: EntityId?) {
                open = false
                onChoose(id)
            }
            DropdownMenuItem({ Text("Nowhere", style = Look.lettering.label) }, { choose(null) })
            locations.filter { it.location.id != except }.forEach { (location, depth) ->
                DropdownMenuItem(
                    { Text("    ".repeat(depth) + location.title.orUntitled(), style = Look.lettering.label) },
                    { choose(location.id) },
                )
            }
        }
    }
}

private const val MOST_ENERGY = 5
