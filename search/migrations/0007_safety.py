"""Bans with patterns, what a query is written in, and what the live search said of it."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('search', '0006_finished_texts'),
    ]

    operations = [
        migrations.CreateModel(
            name='BannedPattern',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pattern', models.CharField(max_length=300, unique=True)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('created_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_prefix',
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_popular',
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_popular_titles',
        ),
        migrations.AddField(
            model_name='query',
            name='best_score',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='query',
            name='checked_version',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='query',
            name='folded_into',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='folded', to='search.query'),
        ),
        migrations.AddField(
            model_name='query',
            name='found',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='query',
            name='held_back',
            field=models.CharField(blank=True, choices=[('nothing', 'finds nothing now'), ('source', 'does not find what it was made from'), ('folded', 'says what a better one says')], db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='query',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', max_length=4),
        ),
        migrations.AddIndex(
            model_name='query',
            index=models.Index(django.contrib.postgres.indexes.OpClass('normalized', name='text_pattern_ops'), condition=models.Q(('answers__gt', 0), ('held_back', ''), ('review', 'approved')), name='query_prefix'),
        ),
        migrations.AddIndex(
            model_name='query',
            index=models.Index(condition=models.Q(('answers__gt', 0), ('held_back', ''), ('review', 'approved'), models.Q(('source', 'titles'), _negated=True)), fields=['-popularity'], include=('id', 'normalized', 'source'), name='query_popular'),
        ),
        migrations.AddIndex(
            model_name='query',
            index=models.Index(condition=models.Q(('answers__gt', 0), ('held_back', ''), ('review', 'approved'), ('source', 'titles')), fields=['-popularity'], include=('id', 'normalized', 'source'), name='query_popular_titles'),
        ),
    ]
