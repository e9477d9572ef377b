from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("livepin", "0011_second_factor_required"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="mail",
            field=models.CharField(default="all", max_length=8),
        ),
    ]
