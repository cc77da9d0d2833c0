package sqlexec

import (
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// dispatch runs one statement in the session's current transaction.
func (s *Session) dispatch(statement tree.Statement) (*Result, error) {
	tag := statement.StatementTag()
	done := func(err error) (*Result, error) {
		if err != nil {
			return nil, err
		}
		return &Result{Tag: tag}, nil
	}
	rows := func(result *Result, err error) (*Result, error) {
		if err != nil {
			return nil, err
		}
		result.Tag = rowsTag(tag, len(result.Rows))
		return result, nil
	}
	switch n := statement.(type) {
	case *tree.Select:
		return rows(s.query(n, nil))
	case *tree.Insert:
		return s.insert(n)
	case *tree.Update:
		return s.update(n)
	case *tree.Delete:
		return s.remove(n)
	case *tree.Truncate:
		return done(s.truncate(n))
	case *tree.CreateTable:
		return done(s.createTable(n))
	case *tree.DropTable:
		return done(s.dropTable(n))
	case *tree.AlterTable:
		return done(s.alterTable(n))
	case *tree.AlterTableLocality:
		return done(s.alterLocality(n))
	case *tree.CreateIndex:
		return done(s.createIndex(n))
	case *tree.CreateDatabase:
		return done(s.createDatabase(n))
	case *tree.DropDatabase:
		return done(s.dropDatabase(n))
	case *tree.AlterDatabasePrimaryRegion:
		return done(s.primaryRegion(n))
	case *tree.AlterDatabaseAddRegion:
		return done(s.addRegion(n))
	case *tree.AlterDatabaseDropRegion:
		return done(s.dropRegion(n))
	case *tree.AlterDatabaseSurvivalGoal:
		return done(s.survive(n))
	case *tree.AlterDatabaseOwner:
		return done(s.alterOwner(n))
	case *tree.AlterRoleSet:
		return done(s.databaseVars(n))
	case *tree.CreateRole:
		return done(s.createRole(n))
	case *tree.AlterRole:
		return done(s.alterRole(n))
	case *tree.DropRole:
		return done(s.dropRole(n))
	case *tree.Grant:
		return done(s.changePrivileges(n.Privileges, n.Targets, n.Grantees, true))
	case *tree.Revoke:
		return done(s.changePrivileges(n.Privileges, n.Targets, n.Grantees, false))
	case *tree.AlterDefaultPrivileges:
		return done(s.defaultPrivileges(n))
	case *tree.GrantRole:
		return done(s.changeMembership(n.Roles, n.Members, true))
	case *tree.RevokeRole:
		return done(s.changeMembership(n.Roles, n.Members, false))
	case *tree.SetVar:
		return done(s.set(n))
	case *tree.SetClusterSetting:
		return done(s.setCluster(n))
	case *tree.Backup:
		return rows(s.backup(n))
	case *tree.Restore:
		return rows(s.restore(n))
	case *tree.ScheduledBackup:
		return rows(s.createSchedule(n))
	case *tree.AlterBackupSchedule:
		return rows(s.alterSchedule(n))
	case *tree.ControlSchedules:
		return s.controlSchedules(n)
	case *tree.Discard:
		s.vars = map[string]string{"database": s.database()}
		return done(nil)
	}
	result, err := s.display(statement)
	return rows(result, err)
}

// display runs the SHOW statements.
func (s *Session) display(statement tree.Statement) (*Result, error) {
	switch n := statement.(type) {
	case *tree.ShowVar:
		return s.show(n)
	case *tree.ShowClusterSetting:
		return s.showSetting(n)
	case *tree.ShowClusterSettingList:
		return s.showSettings()
	case *tree.ShowDatabases:
		return s.showDatabases()
	case *tree.ShowRegions:
		return s.showRegions(n)
	case *tree.ShowSurvivalGoal:
		return s.showSurvival(n)
	case *tree.ShowUsers, *tree.ShowRoles:
		return s.showUsers()
	case *tree.ShowGrants:
		return s.showGrants(n)
	case *tree.ShowTables:
		return s.showTables(n)
	case *tree.ShowColumns:
		return s.showColumns(n)
	case *tree.ShowCreate:
		return s.showCreate(n)
	case *tree.ShowSchedules:
		return s.showSchedules(n)
	case *tree.ShowBackup:
		return s.showBackup(n)
	case *tree.ShowFingerprints:
		return s.showFingerprints(n)
	case *tree.ShowTransactionStatus:
		v, err := s.showVar("transaction_status")
		result := table("TRANSACTION STATUS", String)
		result.add(v)
		return result, err
	}
	return nil, unsupported(refusedName(statement))
}

// refusedName is the statement's tag, or its first words where the tag says too little.
func refusedName(statement tree.Statement) string {
	tag := statement.StatementTag()
	if tag == "" || tag == "SHOW" {
		return strings.Join(strings.Fields(tree.AsString(statement))[:2], " ")
	}
	return tag
}

func (s *Session) alterOwner(n *tree.AlterDatabaseOwner) error {
	db, err := s.findDatabase(string(n.Name))
	if err != nil {
		return err
	}
	if err := s.needOwner(db); err != nil {
		return err
	}
	owner := s.roleName(n.Owner)
	if _, err := s.findRole(owner); err != nil {
		return err
	}
	db.Owner = owner
	return s.tx.put("db/"+db.Name, db)
}

// createIndex only checks: an index changes no result. A unique one is a constraint, and is enforced.
func (s *Session) createIndex(n *tree.CreateIndex) error {
	t, err := s.findTable(&n.Table)
	if err != nil {
		return err
	}
	if err := s.needOnTable(t, "CREATE"); err != nil {
		return err
	}
	if n.Predicate != nil || n.Sharded != nil || n.PartitionByIndex != nil {
		return unsupported("partial, sharded or partitioned indexes")
	}
	var names []string
	for _, column := range n.Columns {
		if column.Expr != nil || t.column(string(column.Column)) == nil {
			return errorf(codeUndefinedColumn, "column %q does not exist", string(column.Column))
		}
		names = append(names, string(column.Column))
	}
	if !n.Unique {
		return nil
	}
	pairs, err := s.tx.scan(t.prefix())
	if err != nil {
		return err
	}
	if len(pairs) > 0 {
		return unsupported("CREATE UNIQUE INDEX on a table that has rows")
	}
	t.Unique = append(t.Unique, names)
	return s.tx.put(t.key(), t)
}
